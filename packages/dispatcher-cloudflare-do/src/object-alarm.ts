import { earliest } from "./earliest.ts";

/** Where alarms that are not Sherd's wait while an earlier one of Sherd's is in their place. */
const waitingKey = "sherd:alarms";

interface Waiting {
  /** What `share` was asked for, until it has rung. */
  readonly shared: number | null;
  /** What somebody else had set, while it is not in place. */
  readonly displaced: readonly number[];
}

const nothing: Waiting = { shared: null, displaced: [] };

/**
 * The one alarm that a Durable Object has, which the object's own code may use, too: an earlier alarm is never
 * moved, and a later one that somebody else set comes back once it is the next. Whatever runs in a transaction of the
 * storage sets and puts aside with it.
 */
export class ObjectAlarm {
  readonly #storage: DurableObjectStorage;
  /** What we set it to last. Any other is somebody else's, or an earlier incarnation's. */
  #own: number | null = null;
  /** What we had set it to before, which is in place again if the transaction was rolled back. */
  #ownBefore: number | null = null;
  /** What `heal` found to be right. */
  #healed: number | null = null;
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
    if (current === null) return this.#own === null && this.#healed === null;
    return current > Date.now() - graceMs && (this.#isOwn(current) || current === this.#healed);
  }

  /** Whether it rings as soon as it can. */
  async isDue(): Promise<boolean> {
    const current = await this.#storage.getAlarm();
    return current !== null && current <= Date.now();
  }

  /** Have the object woken at `at` at the latest. */
  async arm(at: number): Promise<void> {
    this.#changes += 1;
    const current = await this.#storage.getAlarm();
    if (current !== null && current <= at) return;
    if (current !== null && !this.#isOwn(current)) await this.#displace(current);
    await this.#set(at, current);
  }

  /**
   * Have the object woken at `at`, if that is not null, and for whoever else waits. An alarm in the past, with which the
   * platform is in trouble, is set anew.
   */
  async heal(at: number | null, graceMs: number): Promise<void> {
    const current = await this.#storage.getAlarm();
    const { shared, displaced } = await this.#waiting();
    const next = earliest(at, shared, ...displaced);
    if (current !== null && current < Date.now() - graceMs) {
      this.#changes += 1;
      await this.#set(Date.now(), current);
    } else if (next !== null) await this.arm(next);
    else if (current === null) this.#own = null;
    this.#healed = await this.#storage.getAlarm();
  }

  /**
   * Have the object woken at `at` for code that is not Sherd's: that lasts until it has rung, or is taken back by null.
   * Answers whether the alarm that is in place was there for an earlier such call only.
   */
  async share(at: number | null): Promise<boolean> {
    const waiting = await this.#waiting();
    await this.#keep({ ...waiting, shared: at });
    const current = await this.#storage.getAlarm();
    const isStale = current !== null && current === waiting.shared && current !== at;
    if (isStale) this.#own = current;
    if (at !== null) await this.arm(at);
    return isStale;
  }

  /**
   * What rings now is what waited, if it is due. What we have set stays ours: an incarnation that begins because of its
   * alarm may have set the next one already.
   */
  async ring(): Promise<void> {
    const { shared, displaced } = await this.#waiting();
    const isAhead = (at: number) => at > Date.now();
    const left = shared !== null && isAhead(shared) ? shared : null;
    if (left !== shared || !displaced.every(isAhead))
      await this.#keep({ shared: left, displaced: displaced.filter(isAhead) });
  }

  /**
   * Set the alarm for what comes next, or for nothing. Answers false, and changes nothing, when somebody asked to be
   * woken since there were `changes`: `next` may be too late then.
   */
  replace(next: number | null, changes: number): Promise<boolean> {
    return this.#storage.transaction(async () => {
      if (changes !== this.#changes) return false;
      const current = await this.#storage.getAlarm();
      const { shared, displaced } = await this.#waiting();
      const isForeign = current !== null && !this.#isOwn(current) && current !== shared;
      const others = new Set(isForeign ? [...displaced, current] : displaced);
      const at = earliest(next, shared, ...others);
      const isOurs = at === next || at === shared;
      // What is in place as somebody else's does not wait; whoever sets an earlier one displaces it.
      if (at !== null && !isOurs) others.delete(at);
      if (!isSame(displaced, others)) await this.#keep({ shared, displaced: [...others] });
      if (at === null && current !== null) await this.#storage.deleteAlarm();
      if (at !== null && at !== current) await this.#storage.setAlarm(at);
      this.#own = isOurs ? at : null;
      this.#ownBefore = null;
      this.#healed = at;
      return true;
    });
  }

  #isOwn(at: number): boolean {
    return at === this.#own || at === this.#ownBefore;
  }

  async #set(at: number, current: number | null): Promise<void> {
    await this.#storage.setAlarm(at);
    this.#ownBefore = current !== null && this.#isOwn(current) ? current : null;
    this.#own = at;
  }

  async #displace(at: number): Promise<void> {
    const { shared, displaced } = await this.#waiting();
    if (at === shared || displaced.includes(at)) return;
    await this.#keep({ shared, displaced: [...displaced, at] });
  }

  async #waiting(): Promise<Waiting> {
    return (await this.#storage.get<Waiting>(waitingKey)) ?? nothing;
  }

  async #keep(waiting: Waiting): Promise<void> {
    if (waiting.shared === null && waiting.displaced.length === 0) await this.#storage.delete(waitingKey);
    else await this.#storage.put(waitingKey, waiting);
  }
}

function isSame(before: readonly number[], after: ReadonlySet<number>): boolean {
  return before.length === after.size && before.every((one) => after.has(one));
}
