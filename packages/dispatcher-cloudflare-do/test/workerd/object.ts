import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { vi } from "vitest";
import { Jobs } from "./jobs.ts";
import { type Inside, setStage, type Stage } from "./stage.ts";
import type { Host } from "./worker.ts";

// What waits here for real alarms has longer bounds than other tests, and reaches them only when it fails.
vi.setConfig({ testTimeout: 60_000 });

/** Check again and again until it holds, with a bound. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, 15_000);
}

/** One new object, as a test sees it. */
export interface TestObject<Made extends Inside> {
  readonly stage: Stage<Made>;
  /** Do something in it, as a request would. */
  within<T>(work: (inside: Made, ctx: DurableObjectState) => T | Promise<T>): Promise<T>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  alarm(): Promise<number | null>;
  dropAlarm(): Promise<void>;
  /** Ring the alarm now, whatever it is set to. Answers false when none is. */
  ring(): Promise<boolean>;
  /** End the incarnation where it stands, in the middle of whatever it does. */
  abort(): Promise<void>;
}

export function jobsObject(stage: Partial<Stage<Jobs>> = {}): TestObject<Jobs> {
  return objectWith((ctx, own, staged) => new Jobs(ctx, own, staged), stage);
}

export function objectWith<Made extends Inside>(
  make: Stage<Made>["make"],
  given: Partial<Stage<Made>> = {},
): TestObject<Made> {
  const id = env.HOST.newUniqueId();
  const stage: Stage<Made> = {
    make,
    dispatcher: {},
    hooks: {},
    adapter: {},
    run: () => {},
    ran: [],
    rings: [],
    errors: [],
    ...given,
  };
  setStage(id, stage);
  // A stub is broken once its object was aborted.
  const stub = () => env.HOST.get(id);
  const within = <T>(work: (inside: Made, ctx: DurableObjectState) => T | Promise<T>) =>
    runInDurableObject<Host, T>(stub(), (host, ctx) => work(host.inside as Made, ctx));
  return {
    stage,
    within,
    fetch: (path, init) => stub().fetch(`https://object${path}`, init),
    alarm: () => within((_, { storage }) => storage.getAlarm()),
    dropAlarm: () => within((_, { storage }) => storage.deleteAlarm()),
    ring: () => runDurableObjectAlarm(stub()),
    abort: () => within((_, ctx) => ctx.abort("The test ends this incarnation.")).catch(() => {}),
  };
}
