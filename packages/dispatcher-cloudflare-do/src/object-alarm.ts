/** Where an alarm that is not Sherd's waits while an earlier one of Sherd's is in its place. */
const asideKey = "sherd:alarm";

/**
 * The one alarm that a Durable Object has, which the object's own code may use, too: an earlier alarm is never
 * moved, and a later one that somebody else set comes back once it is the next. Whatever runs in a transaction of the
 * storage sets and puts aside with it.
 */
export class ObjectAlarm {
  readonly #storage: DurableObjectStorage;
  /** What we set it to last. Any other is somebody else's, or an earlier incarnation's. */
  #own: number | null = null;
  #changes = 0;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Grows whenever somebody asked to be woken. */
  get changes(): number {
    return this.#changes;
  }

  /** Note that there may be work, so that what a run found out about the next alarm does not count any more. */
  touch(): void {
    this.#changes += 1;
  }

  /** Whether the alarm is as we left it, and not overdue by more than `graceMs`. */
  async isAsLeft(graceMs: number): Promise<boolean> {
    const current = await this.#storage.getAlarm();
    return current === this.#own && (current === null || current > Date.now() - graceMs);
  }

  /** Have the object woken at `at` at the latest. */
  async arm(at: number): Promise<void> {
    this.#changes += 1;
    const current = await this.#storage.getAlarm();
    if (current !== null && current <= at) return;
    if (current !== null && current !== this.#own) await this.#putAside(current);
    await this.#set(at);
  }

  /** As `arm`, but an alarm in the past, with which the platform is in trouble, is set anew. */
  async heal(at: number, graceMs: number): Promise<void> {
    const current = await this.#storage.getAlarm();
    if (current !== null && current < Date.now() - graceMs) {
      this.#changes += 1;
      await this.#set(Math.max(at, Date.now()));
    } else await this.arm(at);
  }

  /** Have the object woken at `at` for code that is not Sherd's: that lasts until it has rung, or is taken back by null. */
  async share(at: number | null): Promise<void> {
    if (at === null) await this.#storage.delete(asideKey);
    else {
      await this.#storage.put(asideKey, at);
      await this.arm(at);
    }
  }

  /** What rings now is what was put aside, if it is due, and whatever comes next has to be set again. */
  async ring(): Promise<void> {
    const aside = await this.#aside();
    if (aside !== null && aside <= Date.now()) await this.#storage.delete(asideKey);
    this.#own = null;
  }

  /**
   * Set the alarm for what comes next, or for nothing. Answers false, and changes nothing, when somebody asked to be
   * woken since there were `changes`: `next` may be too late then.
   */
  replace(next: number | null, changes: number): Promise<boolean> {
    return this.#storage.transaction(async () => {
      if (changes !== this.#changes) return false;
      const current = await this.#storage.getAlarm();
      const foreign = current !== null && current !== this.#own ? current : null;
      const aside = await this.#aside();
      const at = earliest(next, aside, foreign);
      const waits = earliest(aside === at ? null : aside, foreign === at ? null : foreign);
      if (waits === null && aside !== null) await this.#storage.delete(asideKey);
      else if (waits !== null && waits !== aside) await this.#storage.put(asideKey, waits);
      if (at === current) return true;
      if (at === null) await this.#storage.deleteAlarm();
      else await this.#storage.setAlarm(at);
      // One that was put aside is somebody else's again.
      this.#own = at === next ? at : null;
      return true;
    });
  }

  async #set(at: number): Promise<void> {
    await this.#storage.setAlarm(at);
    this.#own = at;
  }

  async #putAside(at: number): Promise<void> {
    const aside = await this.#aside();
    if (aside === null || at < aside) await this.#storage.put(asideKey, at);
  }

  async #aside(): Promise<number | null> {
    return (await this.#storage.get<number>(asideKey)) ?? null;
  }
}

function earliest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}
