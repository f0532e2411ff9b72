/** Runs tasks one after the other, in the order in which they came. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(task);
    this.#tail = result.catch(() => undefined);
    return result;
  }
}

const mutexes = new WeakMap<object, Mutex>();

/** The one mutex of a database object, whichever adapters share it. */
export function mutexOf(database: object): Mutex {
  let mutex = mutexes.get(database);
  if (mutex === undefined) mutexes.set(database, (mutex = new Mutex()));
  return mutex;
}
