/** Runs tasks one after the other, in the order in which they came. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();
  #ahead = 0;

  run<T>(task: () => Promise<T>): Promise<T> {
    this.#ahead += 1;
    const result = this.#tail.then(task).finally(() => (this.#ahead -= 1));
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Like `run`, but when the turn has not come after `waitMs`, `task` never runs, and what `late` makes is thrown. */
  runWithin<T>(task: () => Promise<T>, waitMs: number, late: () => unknown): Promise<T> {
    if (this.#ahead === 0) return this.run(task);
    return new Promise((resolve, reject) => {
      let isLate = false;
      const timer = setTimeout(() => {
        isLate = true;
        reject(late());
      }, waitMs);
      this.run(async () => {
        clearTimeout(timer);
        if (!isLate) resolve(await task());
      }).catch(reject);
    });
  }
}

const mutexes = new WeakMap<object, Mutex>();

/** The one mutex of a database object, whichever adapters share it. */
export function mutexOf(database: object): Mutex {
  let mutex = mutexes.get(database);
  if (mutex === undefined) mutexes.set(database, (mutex = new Mutex()));
  return mutex;
}
