import type { Random } from "./random.ts";

/** Someone whose steps are scheduled: a process, or the user. */
export interface Actor {
  readonly name: string;
  /** False while it is frozen: then none of its steps run, and its timers ring late. */
  readonly isAwake: boolean;
}

interface Gate {
  readonly actor: Actor;
  readonly label: string;
  readonly open: () => void;
}

interface Timer {
  readonly actor: Actor;
  readonly at: number;
  readonly run: () => void;
}

/** How many turns of the event loop must pass without a move before all that can run by itself has run. */
const quietTurns = 2;

/**
 * Virtual time, and one seeded choice after another of what goes on next. Every await that matters is a gate or a
 * timer here, so a run is decided by its seed alone.
 */
export class Schedule {
  /** Milliseconds since the run began. */
  now = 0;
  /** Choices made so far. */
  steps = 0;
  /** Moves so far; the count stands still when everything waits for a choice. */
  #moves = 0;
  #gates: Gate[] = [];
  #timers: Timer[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Wait until it is this actor's turn. */
  gate(actor: Actor, label: string): Promise<void> {
    this.#moves += 1;
    return new Promise((open) => this.#gates.push({ actor, label, open }));
  }

  /** Ring at `at`; the answer takes it back. */
  timer(actor: Actor, at: number, run: () => void): () => void {
    this.#moves += 1;
    const timer = { actor, at, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  sleep(actor: Actor, ms: number): Promise<void> {
    return new Promise((resolve) => void this.timer(actor, this.now + ms, resolve));
  }

  moved(): void {
    this.#moves += 1;
  }

  /** Take away what an actor waits for: its gates open, to find that it is gone; its timers never ring. */
  drop(actor: Actor): void {
    this.#timers = this.#timers.filter((timer) => timer.actor !== actor);
    const [gone, others] = [
      this.#gates.filter((gate) => gate.actor === actor),
      this.#gates.filter((gate) => gate.actor !== actor),
    ];
    this.#gates = others;
    for (const { open } of gone) open();
  }

  /** Open one gate, or ring the next timer. Answers what went on, or null when nothing is there to go on. */
  async step(): Promise<string | null> {
    this.steps += 1;
    const gates = this.#gates.filter(({ actor }) => actor.isAwake);
    const timer = this.#nextTimer();
    const rings = timer !== null && (gates.length === 0 || this.#random.chance(0.1));
    let label: string | null = null;
    if (rings) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      this.now = Math.max(this.now, timer.at);
      timer.run();
      label = `${timer.actor.name} timer`;
    } else if (gates.length > 0) {
      const gate = this.#random.pick(gates);
      this.#gates = this.#gates.filter((other) => other !== gate);
      gate.open();
      label = `${gate.actor.name} ${gate.label}`;
    }
    await this.settle();
    return label;
  }

  /** Let everything run that needs no choice. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < quietTurns;) {
      const before = this.#moves;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#moves === before ? quiet + 1 : 0;
    }
  }

  #nextTimer(): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.actor.isAwake && (next === null || timer.at < next.at)) next = timer;
    }
    return next;
  }
}
