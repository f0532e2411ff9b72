import type { DatabaseAdapter, HookEvent, WakeReason } from "@sherd/core";
import { DatabaseSync } from "node:sqlite";
import { sqliteAdapter } from "@sherd/sqlite";
import { migrate } from "@sherd/core";
import type { ProcessContext, SimulatedApp } from "./app.ts";
import { type FaultKind, Faults } from "./faults.ts";
import { History } from "./history.ts";
import { checkEnds, type Invariant, stateChecker, type Violation } from "./invariants.ts";
import { Ledger } from "./ledger.ts";
import { epochMs, type MakeDispatcher, Process } from "./process.ts";
import { PulledItems } from "./pulled-items.ts";
import { type Random, randomStream } from "./random.ts";
import { type Actor, Schedule } from "./schedule.ts";

export interface WorldOptions {
  readonly app: SimulatedApp;
  readonly seed: number;
  /** User actions in a run. */
  readonly steps: number;
  /** Processes that are up at a time. */
  readonly processes: number;
  readonly faults: ReadonlySet<FaultKind>;
  /** Strikes to leave out, by number. */
  readonly without: ReadonlySet<number>;
  readonly dispatcher: MakeDispatcher;
  /** For mutants: the adapter of each process, made worse. */
  readonly alter?: ((adapter: DatabaseAdapter, database: DatabaseSync) => DatabaseAdapter) | undefined;
}

/** How much virtual time, and how many moves, a run may take to drain once the faults have stopped. */
const drainWithinMs = 3_600_000;
const drainWithinMoves = 20_000;

interface Subscription {
  readonly process: Process;
  readonly queue: string;
  readonly wake: (reason: WakeReason) => void;
}

/** One run: a database, the processes over it, the users, and what goes wrong. */
export class World {
  readonly options: WorldOptions;
  readonly database = new DatabaseSync(":memory:");
  readonly random: Random;
  readonly faults: Faults;
  readonly schedule: Schedule;
  readonly history = new History();
  readonly ledger: Ledger;
  readonly pulled: PulledItems;
  readonly violations: Violation[] = [];
  /** Finished hooks that were pruned. */
  readonly pruned = new Set<string>();
  awayUntil = 0;
  readonly #user: Actor = { name: "user", isAwake: true };
  readonly #subscriptions = new Set<Subscription>();
  readonly #processes = new Map<string, Process>();
  #checkState: () => void = () => {};
  #actionsLeft: number;
  /** What users do at the moment; what they do in a process ends with it. */
  readonly #acts = new Set<{ readonly process: Process; readonly name: string }>();

  constructor(options: WorldOptions) {
    this.options = options;
    this.random = randomStream(options.seed, "choices");
    this.faults = new Faults(randomStream(options.seed, "faults"), options.faults, options.without);
    this.schedule = new Schedule(randomStream(options.seed, "schedule"));
    this.ledger = new Ledger(
      (invariant, what) => this.violate(invariant as Invariant, what),
      (process, event) => this.note(process, describeEvent(event)),
    );
    this.pulled = new PulledItems(
      this.database,
      () => epochMs + this.schedule.now,
      (invariant, what) => this.violate(invariant, what),
    );
    this.#actionsLeft = options.steps;
  }

  async run(): Promise<void> {
    await this.#migrate();
    this.#checkState = stateChecker(this.database, this.ledger, (invariant, what) =>
      this.violate(invariant, what),
    );
    for (let index = 0; index < this.options.processes; index++) this.#start(`p${index + 1}`);
    await this.schedule.settle();
    while (this.#actionsLeft > 0 && this.violations.length === 0) await this.#step();
    this.faults.end();
    this.awayUntil = 0;
    await this.#drain();
    if (this.violations.length === 0) await this.#checkEnd();
    for (const process of this.#processes.values()) process.isDead = true;
    this.database.close();
  }

  get isDatabaseAway(): boolean {
    return this.schedule.now < this.awayUntil;
  }

  note(who: Actor, what: string): void {
    this.history.add(this.schedule.now, who.name, what);
  }

  violate(invariant: Invariant, what: string): void {
    this.violations.push({ invariant, what: this.history.named(what) });
    this.note(this.#user, `VIOLATION ${invariant}: ${what}`);
  }

  /** Carry a hint to whoever listens, or lose it on the way. */
  wake(queue: string, reason: WakeReason): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.queue !== queue || this.faults.strikes("wake-up lost")) continue;
      const times = this.faults.strikes("wake-up doubled") ? 2 : 1;
      const delayMs = this.faults.strikes("wake-up late")
        ? this.random.between(100, 5_000)
        : this.random.between(0, 3);
      for (let time = 0; time < times; time++) {
        this.schedule.timer(subscription.process, this.schedule.now + delayMs, () => {
          if (this.#subscriptions.has(subscription)) subscription.wake(reason);
        });
      }
    }
  }

  subscribe(process: Process, queue: string, wake: (reason: WakeReason) => void): () => Promise<void> {
    const subscription = { process, queue, wake };
    this.#subscriptions.add(subscription);
    return async () => void this.#subscriptions.delete(subscription);
  }

  /** A process has died; another one of its name is started in its place. */
  died(process: Process): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.process === process) this.#subscriptions.delete(subscription);
    }
    for (const act of this.#acts) if (act.process === process) this.#acts.delete(act);
    this.#processes.delete(process.name);
    const delayMs = this.faults.strikes("slow start")
      ? this.random.between(1_000, 4_000)
      : this.random.between(5, 200);
    this.schedule.timer(this.#user, this.schedule.now + delayMs, () => this.#start(process.name));
  }

  #start(name: string): void {
    const process = new Process(this, name, this.options.app);
    this.#processes.set(name, process);
    this.note(process, "starts");
    process.begin(this.options.dispatcher);
  }

  async #step(): Promise<void> {
    this.#strike();
    if (this.#acts.size < 3 && this.random.chance(0.25)) this.#act();
    const label = await this.schedule.step();
    if (label !== null) this.#checkState();
  }

  /** Have a user do something in one of the processes that are up. */
  #act(): void {
    const up = [...this.#processes.values()].filter(({ isDead, isAwake }) => !isDead && isAwake);
    const names = Object.keys(this.options.app.actions);
    if (up.length === 0 || names.length === 0) return;
    const process = this.random.pick(up);
    const name = this.random.pick(names);
    const action = this.options.app.actions[name];
    if (action === undefined) return;
    this.#actionsLeft -= 1;
    const act = { process, name };
    this.#acts.add(act);
    this.note(process, `user: ${name}`);
    const seed = this.random.between(0, 2 ** 31);
    const triggered = [...this.ledger.committed.keys()];
    Promise.resolve(action({ fragments: process.fragments, random: randomStream(seed, name), triggered }))
      .catch((error: unknown) =>
        this.note(process, `user: ${name} fails: ${error instanceof Error ? error.message : String(error)}`),
      )
      .finally(() => {
        this.#acts.delete(act);
        this.schedule.moved();
      });
  }

  /** What goes wrong between two steps. */
  #strike(): void {
    const up = [...this.#processes.values()].filter(({ isAwake }) => isAwake);
    if (up.length === 0) return;
    const victim = up[this.#strikeIndex++ % up.length];
    if (victim === undefined) return;
    const { faults, random, schedule } = this;
    if (faults.strikes("crash between steps")) victim.crash("between steps");
    else if (faults.strikes("freeze past the lease")) this.#freeze(victim, random.between(1_100, 5_000));
    else if (faults.strikes("freeze for a moment")) this.#freeze(victim, random.between(10, 500));
    else if (faults.strikes("database away")) this.awayUntil = schedule.now + random.between(50, 3_000);
    else if (faults.strikes("clock jumps ahead")) victim.jump(random.between(100, 100_000));
    else if (faults.strikes("clock jumps back")) victim.jump(-random.between(100, 100_000));
    else if (faults.strikes("SIGTERM with time")) this.#stop(victim, 2_000);
    else if (faults.strikes("SIGTERM without time")) this.#stop(victim, 0);
  }
  #strikeIndex = 0;

  #freeze(process: Process, forMs: number): void {
    process.frozenUntil = this.schedule.now + forMs;
    this.note(process, `frozen for ${forMs} ms`);
    // Something must ring when it thaws, or time could stand still with it.
    this.schedule.timer(this.#user, process.frozenUntil, () => {});
  }

  #stop(process: Process, deadlineMs: number): void {
    this.note(process, `SIGTERM with ${deadlineMs} ms`);
    void process.stop(deadlineMs).then(() => process.crash("stopped"));
  }

  async #migrate(): Promise<void> {
    await migrate(...this.options.app.fragments(undisturbed(this.database)));
  }

  async #drain(): Promise<void> {
    const { schedule, pulled } = this;
    const since = schedule.now;
    const due = pulled.due(epochMs + since);
    let open: readonly string[] = due;
    const isOpen = this.database.prepare(
      "SELECT EXISTS (SELECT 1 FROM sherd_item WHERE state <> 'done' AND phase IS NULL) OR EXISTS (SELECT 1 FROM sherd_lease WHERE item IS NULL) AS open",
    );
    for (let moves = 0; moves < drainWithinMoves && schedule.now < since + drainWithinMs; moves++) {
      if (this.violations.length > 0) return;
      // What goes on for ever may be in the middle of a transaction, which is not to be looked into.
      if (!this.database.isTransaction) {
        open = pulled.open(due, epochMs + since);
        const hooks = isOpen.get() as { readonly open: number };
        if (hooks.open === 0 && open.length === 0 && this.#acts.size === 0) return;
      }
      const label = await schedule.step();
      if (label !== null) this.#checkState();
    }
    const drains = "everything drains once the faults have stopped";
    for (const id of open) this.violate(drains, `${id} did not run`);
    for (const { process, name } of this.#acts)
      this.violate(drains, `${process.name}: "${name}" has not ended`);
    if (this.violations.length === 0) this.violate(drains, "hooks or leases are left");
  }

  async #checkEnd(): Promise<void> {
    checkEnds(this.database, this.ledger, this.pruned, (invariant, what) => this.violate(invariant, what));
    const { app } = this.options;
    if (app.check === undefined) return;
    const wrong = await app.check(app.fragments(undisturbed(this.database)), { pruned: this.pruned });
    for (const one of wrong) {
      if (typeof one === "string") this.violate("the app's own checks hold", one);
      else this.violate(one.invariant, one.what);
    }
  }
}

/** A process that nothing happens to. */
function undisturbed(database: DatabaseSync): ProcessContext {
  return {
    databaseAdapter: sqliteAdapter(database),
    durableHooks: {},
    isOlderRelease: false,
    sleep: async () => {},
    crash: () => {},
    note: () => {},
  };
}

function describeEvent(event: HookEvent): string {
  const { type, id, name } = event;
  if (type === "ignored" || type === "replaced") return `${name} ${id} ${type} for ${event.existingId}`;
  if (type === "lost") return `${name} ${id} lost (${event.lost}) by ${event.owner}: ${event.end}`;
  return `${name} ${id} ${type}${"attempt" in event ? `, attempt ${event.attempt}` : ""}`;
}
