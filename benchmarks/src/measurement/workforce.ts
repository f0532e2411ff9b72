import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet, OpenSystem, System, WorkOptions } from "../system.ts";
import { need } from "./fill.ts";
import { monotonicMs } from "./monotonic.ts";

/** The workers of one measurement, in this process or in others. */
export interface Workforce {
  /** Start them; resolves once they have started. `allEnded` is for so many handlers from now on. */
  begin(expected: number): Promise<void>;
  allEnded(): Promise<void>;
  /** Count CPU time from here on. */
  mark(): Promise<void>;
  /** Stop them; afterwards they can begin again. */
  end(): Promise<WorkReport>;
  close(): Promise<void>;
}

export interface WorkReport {
  /** Attempts that ended since `begin`. */
  readonly ended: number;
  /** Their numbers and when they started, on the monotonic clock that all processes of a machine share. */
  readonly starts: readonly (readonly [number: number, atMs: number])[];
  /** CPU time of the workers' processes between `mark` and `end`. */
  readonly cpuMs: number;
}

/** What the handlers do and how many there are; it is sent to other processes. */
export interface WorkSpec {
  /** How long handlers take, by their number; absent: they are no-ops. */
  readonly sleepMs?: readonly [shortest: number, longest: number];
  readonly fleet?: Fleet;
  readonly forLatency?: boolean;
  readonly recordsStarts?: boolean;
}

/** Workers in this process. */
export class LocalWorkforce implements Workforce {
  readonly #system: System;
  readonly #opened: OpenSystem;
  readonly #spec: WorkSpec;
  #stop: (() => Promise<void>) | null = null;
  #ended = 0;
  #expected = 0;
  #done = Promise.withResolvers<void>();
  #starts: [number, number][] = [];
  #cpu = process.cpuUsage();

  constructor(system: System, opened: OpenSystem, spec: WorkSpec) {
    this.#system = system;
    this.#opened = opened;
    this.#spec = spec;
  }

  get ended(): number {
    return this.#ended;
  }

  async begin(expected: number): Promise<void> {
    this.#ended = 0;
    this.#starts = [];
    this.#expected = expected;
    this.#done = Promise.withResolvers<void>();
    const { fleet, forLatency } = this.#spec;
    const work = need(this.#opened.work, this.#system, "work");
    this.#stop = await work.call(this.#opened, {
      handler: this.#handler(),
      ...(fleet === undefined ? {} : { fleet }),
      ...(forLatency === undefined ? {} : { forLatency }),
    });
  }

  allEnded(): Promise<void> {
    return this.#done.promise;
  }

  async mark(): Promise<void> {
    this.#cpu = process.cpuUsage();
  }

  async end(): Promise<WorkReport> {
    const { user, system } = process.cpuUsage(this.#cpu);
    await this.#stop?.();
    return { ended: this.#ended, starts: this.#starts, cpuMs: (user + system) / 1_000 };
  }

  async close(): Promise<void> {
    await this.#opened.close();
  }

  #handler(): WorkOptions["handler"] {
    const { sleepMs, recordsStarts } = this.#spec;
    const end = () => {
      this.#ended += 1;
      if (this.#ended === this.#expected) this.#done.resolve();
      return undefined;
    };
    if (sleepMs !== undefined) return ({ number = 0 }) => sleep(sleepOf(number, sleepMs)).then(end);
    if (!recordsStarts) return end;
    return ({ number = 0 }) => {
      this.#starts.push([number, monotonicMs()]);
      return end();
    };
  }
}

/** The same for each system: a hook's number decides, evenly spread and without order (Knuth's multiplicative hash). */
export function sleepOf(number: number, [shortest, longest]: readonly [number, number]): number {
  const spread = (Math.imul(number, 2_654_435_761) >>> 0) / 2 ** 32;
  return Math.round(shortest + spread * (longest - shortest));
}
