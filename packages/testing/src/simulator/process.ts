import {
  type AnyFragment,
  type ClaimRequest,
  type Clock,
  createDurableHooksProcessor,
  type DatabaseAdapter,
  type DurableHooksProcessor,
  SherdError,
  type StatementBoundary,
} from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import type { ProcessContext, SimulatedApp } from "./app.ts";
import { gatedAdapter } from "./gated-adapter.ts";
import {
  type Before,
  checkPriorities,
  checkPrune,
  retriedIds,
  takeBefore,
  type Violate,
} from "./invariants.ts";
import { AskedPulls } from "./pulled-items.ts";
import type { Actor } from "./schedule.ts";
import { watchedPull } from "./watched-pull.ts";
import type { World } from "./world.ts";

/** The milliseconds since the epoch at which every run begins. */
export const epochMs = 1_700_000_000_000;

/** What a dispatcher must be able to do to be simulated. */
export interface SimulatedDispatcher {
  startPolling(): void;
  stopPolling(options: { readonly deadlineMs: number }): Promise<void>;
}

export type MakeDispatcher = (options: {
  readonly processor: DurableHooksProcessor;
  readonly clock: Clock;
  readonly random: () => number;
}) => SimulatedDispatcher;

const leaseMs = 1_000;
/** Verbs whose effect is told by what the database holds before and after. */
const compared: ReadonlySet<string> = new Set(["claim", "prune", "retry"]);

/** Ends whatever a dead process still tries. */
class Dead extends Error {
  override readonly name = "Dead";
}

/** One start of a process: its own clock, adapter, fragments and dispatchers, over the database that all share. */
export class Process implements Actor {
  readonly name: string;
  readonly fragments: readonly AnyFragment[];
  readonly adapter: DatabaseAdapter;
  /** What its calls of their own on pulled items ask for. */
  readonly asked = new AskedPulls();
  isDead = false;
  frozenUntil = 0;
  #skewMs: number;
  readonly #world: World;
  #before: Before | null = null;
  readonly #names = new Map<string, readonly string[]>();
  readonly #processors: readonly DurableHooksProcessor[];
  #dispatchers: readonly SimulatedDispatcher[] = [];

  constructor(world: World, name: string, app: SimulatedApp) {
    this.#world = world;
    this.name = name;
    const { faults, random } = world;
    this.#skewMs = faults.strikes("clock skewed ahead") ? random.between(1, 60_000) : 0;
    if (faults.strikes("clock skewed back")) this.#skewMs -= random.between(1, 60_000);
    const real = sqliteAdapter(world.database, {
      clock: { now: () => epochMs + world.schedule.now },
      onStatement: (boundary) => this.#atStatement(boundary),
    });
    const gated = gatedAdapter(real, this, world);
    const altered = world.options.alter?.(gated, world.database) ?? gated;
    this.adapter = { ...altered, pull: watchedPull(altered.pull, this, world) };
    const context = this.#contextOf(name);
    this.fragments = app.fragments(context);
    this.#processors = [
      ...this.fragments.flatMap((fragment) => createDurableHooksProcessor(fragment) ?? []),
      ...(app.processors?.(context, this.fragments) ?? []),
    ];
  }

  #contextOf(owner: string): ProcessContext {
    const world = this.#world;
    const { faults, random } = world;
    return {
      databaseAdapter: this.adapter,
      durableHooks: {
        clock: this.clock,
        random: () => random.next(),
        leaseMs,
        owner,
        onEvent: (event) => {
          if (!this.isDead) world.ledger.heard(this, event);
        },
      },
      isOlderRelease: faults.strikes("older release"),
      sleep: (ms) => world.schedule.sleep(this, ms),
      crash: () => this.crash("poisoned"),
      note: (what) => {
        if (!this.isDead) world.note(this, what);
      },
    };
  }

  get isAwake(): boolean {
    return this.#world.schedule.now >= this.frozenUntil;
  }

  readonly clock: Clock = {
    now: () => epochMs + this.#world.schedule.now + this.#skewMs,
    elapsed: () => this.#world.schedule.now,
    schedule: (run, delayMs) => {
      if (this.isDead) return () => {};
      return this.#world.schedule.timer(this, this.#world.schedule.now + Math.max(0, delayMs), run);
    },
    soon: (run) => {
      if (!this.isDead) void this.#world.schedule.timer(this, this.#world.schedule.now, run);
    },
  };

  begin(makeDispatcher: MakeDispatcher): void {
    const { random } = this.#world;
    this.#dispatchers = this.#processors.map((processor) =>
      makeDispatcher({ processor, clock: this.clock, random: () => random.next() }),
    );
    for (const dispatcher of this.#dispatchers) dispatcher.startPolling();
  }

  async stop(deadlineMs: number): Promise<void> {
    await Promise.all(this.#dispatchers.map((dispatcher) => dispatcher.stopPolling({ deadlineMs })));
  }

  crash(how: string): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#world.note(this, `dies: ${how}`);
    this.#world.schedule.drop(this);
    this.#world.died(this);
  }

  /** A claim is about to be sent: what its process can run. */
  claims({ queue, names }: ClaimRequest): void {
    this.#names.set(queue, names);
  }

  jump(ms: number): void {
    this.#skewMs += ms;
  }

  /** Wait for this process's turn; fails when it has died by then. */
  async turn(label: string): Promise<void> {
    if (!this.isDead) await this.#world.schedule.gate(this, label);
    if (this.isDead) throw new Dead(label);
  }

  /** A statement is about to be sent, or was just answered: the place where databases and processes fail. */
  #atStatement({ verb, statement, phase }: StatementBoundary): void {
    const { faults, schedule } = this.#world;
    schedule.moved();
    this.#look(verb, statement, phase);
    if (this.isDead) throw new Dead(verb);
    if (verb === "migrate" || verb === "verify") return;
    const isCommit = statement === "commit";
    const crash = isCommit ? (`crash ${phase} a commit` as const) : (`crash ${phase} a statement` as const);
    if (faults.strikes(crash)) {
      this.crash(`${phase} ${verb} ${statement}`);
      throw new Dead(verb);
    }
    if (phase === "before" && faults.strikes(isCommit ? "commit fails" : "statement fails"))
      throw this.#fail(verb, statement, phase);
    const lost = isCommit
      ? "commit takes effect, and nobody hears of it"
      : "statement answers, and the connection is lost";
    if (phase === "after" && faults.strikes(lost)) throw this.#fail(verb, statement, phase);
  }

  /** Between the BEGIN and the COMMIT of a verb nobody else moves: what it did can be told exactly. */
  #look(verb: string, statement: string, phase: string): void {
    const { database, ledger, pulled } = this.#world;
    if (phase !== "after") return;
    if (statement === "begin" && compared.has(verb)) this.#before = takeBefore(database);
    if (statement !== "commit") return;
    const violate: Violate = (invariant, what) => this.#world.violate(invariant, what);
    if (verb === "transaction") ledger.committedNow();
    const asked = verb === "transaction" ? ledger.current?.pulled : this.asked;
    if (asked !== undefined) pulled.committed(verb, asked);
    if (this.#before === null) return;
    if (verb === "claim") checkPriorities(database, this.#before, this.#names, violate);
    if (verb === "retry") for (const id of retriedIds(database, this.#before)) ledger.restarted.add(id);
    if (verb !== "prune") return;
    for (const id of checkPrune(database, this.#before, violate)) this.#world.pruned.add(id);
  }

  #fail(verb: string, statement: string, phase: string): SherdError {
    this.#world.note(this, `fault ${phase} ${verb} ${statement}`);
    return new SherdError("DATABASE_UNAVAILABLE", `A fault was injected ${phase} ${verb} ${statement}.`, {
      verb,
    });
  }
}
