/**
 * The one interface behind which every measured system stands: Sherd, its peers, and SQL written by hand. A driver is one
 * file that exports one `System`; nothing else in the benchmark knows how a system is set up.
 *
 * Every measurement runs in a process of its own, on an empty database of its own: `open`, a small warm-up with the same
 * verbs, the measurement, `close`.
 */

export interface System {
  /** As the tables and the chart print it: `graphile-worker`. */
  readonly name: string;
  /** The npm package whose installed version is printed; null for SQL written by hand. */
  readonly package: string | null;
  readonly backend: Backend;
  /** What the driver sets in each mode, in words that are printed beside the results: `localQueue 500, concurrency 24`. */
  readonly settings: Readonly<Record<Mode, string>>;
  /** What it cannot do, each with the reason that is printed instead of a number. Everything else, `open` must offer. */
  readonly cannot: Readonly<Partial<Record<Ability, string>>>;
  /**
   * How many times fewer hooks than others it is given, so that one slow system does not make the run take hours: 1 for
   * more than 10,000 hooks a second, 10 or 20 for less. Rates stay comparable.
   */
  readonly countDivisor: number;
  open(options: OpenOptions): Promise<OpenSystem>;
}

/** `tuned` is the best documented settings, `defaults` is nothing set that can be left out. */
export type Mode = "tuned" | "defaults";

/** The server that a system needs; where it is not installed, the system is left out with a line that says so. */
export type Backend = "postgres" | "redis" | "sqlite";

/** The verbs of `OpenSystem`, and what some of them are asked for besides. */
export type Ability =
  | "trigger"
  | "triggerBesideWrite"
  | "triggerTogether"
  | "work"
  /** `work` with more than one worker in one process. */
  | "manyWorkers"
  /** `work` in another process than the one that triggers. Without it, a second `open` in the same process works. */
  | "otherProcess"
  /** `work` that goes on with what is triggered later. Without it, `work` ends with the backlog. */
  | "waiting"
  /** `subjects`. */
  | "subjects"
  /** `triggerTogether` with `dueInMs`. */
  | "dueLater"
  /** `work` at mode `defaults`. */
  | "defaults";

export interface OpenOptions {
  /** `postgres://…` of a database of this run, `redis://…` of a database number of this run, or the path of an SQLite file. */
  readonly url: string;
  readonly mode: Mode;
  /** True: create what is not there yet. False: another `open` has installed it, in this or another process. */
  readonly install: boolean;
  /** Hooks of different ones share the database and no worker. Absent: there is one. Only `fairness` asks for more. */
  readonly namespace?: string;
  /** How many triggers will be under way at once; what a pool of connections should allow. */
  readonly parallel: number;
}

/** All verbs but `close` are there unless `System.cannot` names them. A failure is thrown and ends the measurement. */
export interface OpenSystem {
  /**
   * Trigger one hook in a transaction of its own: resolves once it is committed. The harness calls it with up to
   * `parallel` calls under way; calls are not merged into one transaction.
   */
  trigger?(payload: Payload): Promise<void>;
  /**
   * In one transaction of its own: `insert into bench_order (amount, note) values (…)` (the harness has created the table
   * in the same database) and trigger one hook. Resolves once it is committed.
   */
  triggerBesideWrite?(order: Order, payload: Payload): Promise<void>;
  /** `triggerBesideWrite` without its trigger, through the same calls: what the trigger's cost is compared with. Optional. */
  write?(order: Order): Promise<void>;
  /** Trigger all of them in one transaction, with whatever bulk call the system documents. */
  triggerTogether?(payloads: readonly Payload[], options?: TriggerOptions): Promise<void>;
  /**
   * Start workers; resolves once they are started, with the function that stops them. What is due already is worked on at
   * once, what is triggered later by its wake-up or poll. `stop` lets running handlers end, makes their ends durable, and
   * resolves; afterwards `work` can be called again.
   */
  work?(options: WorkOptions): Promise<() => Promise<void>>;
  /**
   * How many due hooks have not ended in the database (their end is not committed), by a query that is cheap also beside a
   * million of finished and future ones; any number above 0 will do while there are some. The clock of a drain stops when
   * this says 0. There whenever `work` is.
   */
  unfinished?(): Promise<number>;
  /** Sync so many subjects, all of them due, and answer what claims and completes them. */
  subjects?(count: number): Promise<SubjectRounds>;
  /** Close every connection and timer: the process can end afterwards. */
  close(): Promise<void>;
}

export interface SubjectRounds {
  /** Claim up to `limit` due subjects in one call, and complete them in one more, due again at once. Answers how many. */
  turn(limit: number): Promise<number>;
}

/** What a hook carries: empty where a row of the table says so, else its number. Sent and stored as the JSON that it is. */
export type Payload = { readonly number?: number };

export interface Order {
  readonly amount: number;
  readonly note: string;
}

export interface TriggerOptions {
  /** Milliseconds from now at which they are due; absent: at once. */
  readonly dueInMs?: number;
}

export interface WorkOptions {
  /**
   * Called once per attempt with what was triggered. A no-op returns undefined (do not make it wait: no timer, no extra
   * await beyond the system's own); a slow one returns a promise that the worker awaits.
   */
  readonly handler: (payload: Payload) => Promise<void> | undefined;
  /**
   * Workers of so many slots each (handlers under way at once), all in this process, each with whatever a worker of its
   * own process would have (own pool, own loop). Absent: one worker with the slots that the mode brings: the best for
   * no-op handlers when `tuned`, those of the system when `defaults`.
   */
  readonly fleet?: Fleet;
  /** Hooks will arrive one by one and should start soon (tuned polls and batches for latency); else there is a backlog. */
  readonly forLatency?: boolean;
}

export interface Fleet {
  readonly workers: number;
  readonly slots: number;
}
