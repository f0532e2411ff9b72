import type { OpenSystem, System } from "../system.ts";
import type { SystemName } from "../systems.ts";
import { fill } from "./fill.ts";
import { monotonicMs } from "./monotonic.ts";
import { RemoteWorkforce } from "./remote-workforce.ts";

interface FloodOptions {
  readonly name: SystemName;
  readonly system: System;
  readonly url: string;
  readonly count: number;
}

/** Many no-op hooks of a namespace of their own, and a process that drains them. */
export class Flood {
  readonly #system: System;
  readonly #opened: OpenSystem;
  readonly #workforce: RemoteWorkforce;
  readonly #count: number;
  #drained = 0;
  #drainingMs = 0;

  static async open({ name, system, url, count }: FloodOptions): Promise<Flood> {
    const options = { url, mode: "tuned", install: true, parallel: 10, namespace: "flood" } as const;
    const opened = await system.open(options);
    const workforce = await RemoteWorkforce.open({
      system: name,
      open: options,
      spec: {},
      processes: 1,
      tellsProgress: true,
    });
    return new Flood(system, opened, workforce, Math.ceil(count / system.countDivisor));
  }

  private constructor(system: System, opened: OpenSystem, workforce: RemoteWorkforce, count: number) {
    this.#system = system;
    this.#opened = opened;
    this.#workforce = workforce;
    this.#count = count;
  }

  /** Hooks a second of all drains so far. */
  get perSecond(): number {
    return (this.#drained / this.#drainingMs) * 1_000;
  }

  /** Trigger all of them, then drain them beside `work`, which ends soon after `isDrained` answers true. */
  async beside(work: (isDrained: () => boolean) => Promise<void>): Promise<void> {
    await fill(this.#system, this.#opened, { count: this.#count, isNumbered: false });
    const startedAt = monotonicMs();
    await this.#workforce.begin(this.#count);
    let drainedAt: number | null = null;
    const drained = this.#workforce.allEnded().then(() => void (drainedAt = monotonicMs()));
    await Promise.all([drained, work(() => drainedAt !== null)]);
    await this.#workforce.end();
    this.#drained += this.#count;
    this.#drainingMs += (drainedAt ?? NaN) - startedAt;
  }

  async close(): Promise<void> {
    await this.#workforce.close();
    await this.#opened.close();
  }
}
