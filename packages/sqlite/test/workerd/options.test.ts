import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { isSherdError } from "@sherd/core";
import { expect, test } from "vitest";
import { type DurableObjectAdapterOptions, durableObjectAdapter } from "../../src/durable-object.ts";
import { inObject } from "./inside.ts";

function thrownBy(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error;
  }
  throw new Error("It was to throw.");
}

test("a class that is not among new_sqlite_classes is refused, and told so", async () => {
  const object = env.KEY_VALUE_HOST.getByName("one");
  const error = await runInDurableObject(object, (_, { storage }) =>
    thrownBy(() => durableObjectAdapter(storage)),
  );
  expect(isSherdError(error, "INVALID_OPTION") && error.details.option).toBe("storage");
  expect((error as Error).message).toContain("`new_sqlite_classes`");
});

test.each([undefined, null, {}, "storage"])("%j, which is no storage, is refused", (storage) => {
  const error = thrownBy(() => durableObjectAdapter(storage as unknown as DurableObjectStorage));
  expect(isSherdError(error, "INVALID_OPTION") && error.details.option).toBe("storage");
});

test.each([
  ["busyTimeoutMs", -1],
  ["busyTimeoutMs", Number.NaN],
  ["busyTimeoutMs", "5"],
  ["clock", {}],
  ["onStatement", true],
  ["synchronous", "full"],
])("the option %s of %j is refused", async (option, received) => {
  const options = { [option]: received } as DurableObjectAdapterOptions;
  const error = await inObject(async (storage) => thrownBy(() => durableObjectAdapter(storage, options)));
  expect(isSherdError(error, "INVALID_OPTION") && error.details).toEqual({ option, received });
});

test("the clock that was given decides what is due", async () => {
  let now = 1_000;
  const due = await inObject(async (storage) => {
    const adapter = durableObjectAdapter(storage, { clock: { now: () => now } });
    await adapter.migrator.apply([adapter.migrator.kernel]);
    const item = {
      id: crypto.randomUUID(),
      queue: "q",
      name: "n",
      key: null,
      onConflict: "error",
      dueAt: 1_500,
      priority: 0,
      concurrencyKey: null,
      releaseKeyOnRetry: false,
      retry: "none",
      maxAttempts: 1,
      timeoutMs: null,
      body: "{}",
      trace: null,
    } as const;
    await adapter.transaction((tx) => adapter.storage.enqueue(tx, [item]));
    const before = await adapter.storage.nextWakeInMs("q", ["n"]);
    now = 1_400;
    return [before, await adapter.storage.nextWakeInMs("q", ["n"])];
  });
  expect(due).toEqual([500, 100]);
});
