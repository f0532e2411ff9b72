import { DurableObject } from "cloudflare:workers";
import { createDurableHooksProcessor, migrate } from "@sherd/core";
import { durableObjectAdapter } from "@sherd/sqlite/durable-object";
import { expect, it, vi } from "vitest";
import {
  createDurableHooksDispatcherDurableObject,
  type DurableHooksDurableObject,
} from "../../src/index.ts";
import { jobsOn } from "./jobs.ts";
import { eventually, objectWith } from "./object.ts";
import type { Stage } from "./stage.ts";

/** A class of the user's own, without `FragmentDurableObject`. */
class Own extends DurableObject<unknown> {
  readonly jobs;
  readonly handler: DurableHooksDurableObject;

  constructor(state: DurableObjectState, env: unknown, stage: Stage) {
    super(state, env);
    this.jobs = jobsOn(durableObjectAdapter(state.storage), stage);
    void state.blockConcurrencyWhile(() => migrate(this.jobs));
    const createProcessor = () => createDurableHooksProcessor(this.jobs);
    this.handler = createDurableHooksDispatcherDurableObject({ createProcessor })(state, env);
  }

  override async alarm(): Promise<void> {
    await this.handler.alarm?.();
  }

  override async fetch(request: Request): Promise<Response> {
    return (await this.handler.fetch?.(request)) ?? new Response(null, { status: 404 });
  }
}

const ownObject = (given: Partial<Stage<Own>> = {}) =>
  objectWith((state, env, stage) => new Own(state, env, stage), given);

it("a class of the user's own runs hooks by its alarm, and recovers", async () => {
  const object = ownObject({ run: () => new Promise(() => {}) });
  await object.within(({ jobs }) => jobs.services.add(["a"]));
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
  object.stage.run = () => {};
  await object.abort();
  await object.fetch("/status");
  await eventually(() => expect(object.stage.ran).toEqual(["a 1", "a 1"]));
});

it("fetch answers POST drain, POST notify and GET status, under any path, and 404 for all else", async () => {
  const object = ownObject();
  const processAt = new Date(Date.now() + 3_600_000);
  await object.within(({ jobs }) => jobs.services.add(["timed"], { processAt }));
  const status = await object.fetch("/sherd/status");
  expect(await status.json()).toEqual({
    alarmAt: processAt.toISOString(),
    nextWakeAt: { jobs: expect.any(String) as string },
  });
  await object.within(async ({ jobs }, { storage }) => {
    await jobs.services.add(["due"]);
    await storage.deleteAlarm();
  });
  const drained = await object.fetch("/sherd/drain", { method: "POST" });
  expect(await drained.json()).toMatchObject({ completed: 1, failed: 0, givenBack: 0, other: 0 });
  expect(object.stage.ran).toEqual(["due 1"]);
  expect((await object.fetch("/notify", { method: "POST" })).status).toBe(204);
  await eventually(() => expect(object.stage.rings.length).toBeGreaterThan(0));
  for (const [path, method] of [
    ["/drain", "GET"],
    ["/notify", "GET"],
    ["/status", "POST"],
    ["/", "GET"],
    ["/elsewhere", "POST"],
  ] as const)
    expect((await object.fetch(path, { method })).status, `${method} ${path}`).toBe(404);
  expect(object.stage.ran).toEqual(["due 1"]);
});

it("notify arms the alarm within waitUntil, and runs nothing itself", async () => {
  const object = ownObject();
  const kept: Promise<unknown>[] = [];
  await object.within(async ({ jobs, handler }, { storage }) => {
    await jobs.services.add(["a"]);
    await storage.deleteAlarm();
    await handler.notify?.({ waitUntil: (promise) => void kept.push(promise) });
    expect(await storage.getAlarm()).toBeLessThanOrEqual(Date.now());
  });
  expect(kept).toHaveLength(1);
  await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
});

it.each([
  ["null", () => null],
  ["only nulls", () => [null, null]],
  ["nothing", () => []],
])(
  "an object without hooks, where createProcessor answers %s, has nothing to call",
  async (_, createProcessor) => {
    const bare = objectWith(() => ({ alarm: async () => {} }));
    const handler = await bare.within((_inside, state) =>
      createDurableHooksDispatcherDurableObject({ createProcessor })(state, {}),
    );
    expect(handler).toEqual({});
    expect(await bare.alarm()).toBeNull();
  },
);

it("createProcessor is given the object's state and environment", async () => {
  const bare = objectWith(() => ({ alarm: async () => {} }));
  await bare.within((_inside, state) => {
    const env = { name: "of the object" };
    const createProcessor = vi.fn(() => null);
    createDurableHooksDispatcherDurableObject<typeof env>({ createProcessor })(state, env);
    expect(createProcessor).toHaveBeenCalledExactlyOnceWith(state, env);
  });
});

it("a createProcessor that answers something else is refused", async () => {
  const bare = objectWith(() => ({ alarm: async () => {} }));
  await bare.within((_inside, state) => {
    for (const answer of [undefined, {}, [{}], "processor"]) {
      const make = createDurableHooksDispatcherDurableObject({ createProcessor: () => answer as never });
      const refused = { code: "INVALID_OPTION", message: expect.stringContaining("runSubjects") as string };
      expect(() => make(state, {})).toThrow(expect.objectContaining(refused));
    }
  });
});
