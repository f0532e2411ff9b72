import { expect, test } from "vitest";
import { z } from "zod";
import type { FragmentInternals } from "../fragment/internals.ts";
import { custom, fixed, noRetry } from "../retry/policy.ts";
import { hook } from "./hook.ts";
import { newTrigger } from "./new-item.ts";
import { hookSettings } from "./options.ts";
import type { TriggerOptions } from "./trigger.ts";

const hooks = {
  deliver: hook({ input: z.object({ url: z.string() }), run() {} }),
  tick: hook({ run() {} }),
  patient: hook({ retry: fixed({ delayMs: 5, maxAttempts: 7 }), run() {} }),
  own: hook({ retry: custom({ maxAttempts: 9, delay: () => 5 }), run() {} }),
  checked: hook({ input: z.string().refine(async (text) => text !== "no", "refused"), run() {} }),
};

const fragment = {
  namespace: "shop",
  queue: "hook/shop",
  hooks: new Map(Object.entries(hooks)),
  settings: hookSettings({ maxPayloadBytes: 40 }),
} as unknown as FragmentInternals;

const trigger = (name: string, payload: unknown = null, options: TriggerOptions = {}) =>
  newTrigger(fragment, name, payload, options);
const tick = (options: TriggerOptions) => trigger("tick", null, options).item;

/** What Node would have ended the process for, had nobody listened. */
async function unhandledIn(run: () => void): Promise<readonly unknown[]> {
  const unhandled: unknown[] = [];
  const listen = (reason: unknown) => unhandled.push(reason);
  process.on("unhandledRejection", listen);
  try {
    run();
    await new Promise((resolve) => setImmediate(resolve));
  } finally {
    process.off("unhandledRejection", listen);
  }
  return unhandled;
}

test("a trigger without options has every default", () => {
  expect(trigger("deliver", { url: "https://a" })).toEqual({
    item: {
      id: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ) as string,
      queue: "hook/shop",
      name: "deliver",
      key: null,
      onConflict: "ignore",
      dueAt: null,
      priority: 0,
      concurrencyKey: null,
      releaseKeyOnRetry: false,
      retry: "exponential(1000,2,3600000,0.2)",
      maxAttempts: 20,
      timeoutMs: null,
      body: `{"url":"https://a"}`,
      trace: null,
    },
    validated: null,
  });
});

test("every option goes into the row", () => {
  const processAt = new Date(1_700_000_000_000);
  const options: TriggerOptions = {
    processAt,
    priority: -5,
    key: "order-1",
    onConflict: "replace",
    concurrencyKey: "customer-1",
    releaseKeyOnRetry: true,
    retry: noRetry(),
    timeoutMs: 250,
    trace: { parent: "00-a" },
  };
  expect(tick(options)).toMatchObject({
    key: "order-1",
    onConflict: "replace",
    dueAt: 1_700_000_000_000,
    priority: -5,
    concurrencyKey: "customer-1",
    releaseKeyOnRetry: true,
    retry: "none",
    maxAttempts: 1,
    timeoutMs: 250,
    body: "null",
    trace: `{"parent":"00-a"}`,
  });
});

test("ids sort in trigger order", () => {
  const ids = Array.from({ length: 100 }, () => tick({}).id);
  expect(ids.toSorted()).toEqual(ids);
  expect(new Set(ids).size).toBe(100);
});

test("the trigger's policy goes before the hook's, and the hook's before the fragment's", () => {
  expect(trigger("patient").item).toMatchObject({ retry: "fixed(5)", maxAttempts: 7 });
  const retry = fixed({ delayMs: 9, maxAttempts: 2 });
  expect(trigger("patient", null, { retry }).item).toMatchObject({ retry: "fixed(9)", maxAttempts: 2 });
  expect(tick({})).toMatchObject({ retry: "exponential(1000,2,3600000,0.2)", maxAttempts: 20 });
});

test("of a hook's custom policy only the attempts are stored", () => {
  expect(trigger("own").item).toMatchObject({ retry: "custom", maxAttempts: 9 });
});

test("a custom policy is no trigger's option, since its function cannot be stored", () => {
  const retry = custom({ maxAttempts: 3, delay: () => 5 }) as never;
  const details = { option: "trigger.retry", received: "custom" };
  expect(() => tick({ retry })).toThrow(expect.objectContaining({ code: "INVALID_OPTION", details }));
});

test("a payload that is undefined is null", () => {
  expect(newTrigger(fragment, "tick", undefined, {}).item.body).toBe("null");
});

test("the row holds what was triggered, not what the schema makes of it", () => {
  const upper = hook({ input: z.string().transform((text) => text.length), run() {} });
  const withUpper = { ...fragment, hooks: new Map([["upper", upper]]) } as FragmentInternals;
  expect(newTrigger(withUpper, "upper", "abc", {}).item.body).toBe(`"abc"`);
});

test("an unknown hook is refused, with those that there are", () => {
  const known = ["deliver", "tick", "patient", "own", "checked"];
  const details = { namespace: "shop", hook: "delvier", known };
  expect(() => trigger("delvier")).toThrow(expect.objectContaining({ code: "UNKNOWN_HOOK", details }));
  expect(() => trigger("toString")).toThrow("it has deliver, tick, patient, own, checked.");
  const empty = { ...fragment, hooks: new Map() } as FragmentInternals;
  expect(() => newTrigger(empty, "tick", null, {})).toThrow("it has none.");
});

test("a payload that does not fit, cannot be encoded or is too large is refused", () => {
  const refusal = (code: string) => expect.objectContaining({ code });
  expect(() => trigger("deliver", { url: 5 })).toThrow(refusal("PAYLOAD_INVALID"));
  expect(() => trigger("tick", {})).toThrow(refusal("PAYLOAD_INVALID"));
  expect(() => trigger("deliver", { url: 5n })).toThrow(refusal("PAYLOAD_NOT_SERIALIZABLE"));
  expect(() => trigger("deliver", { url: "a".repeat(40) })).toThrow(refusal("PAYLOAD_TOO_LARGE"));
});

test("a trace is bounded, and plain JSON, as a payload is", () => {
  const refusal = (code: string) => expect.objectContaining({ code });
  expect(() => tick({ trace: new Map() })).toThrow(refusal("PAYLOAD_NOT_SERIALIZABLE"));
  expect(() => tick({ trace: "a".repeat(40) })).toThrow(refusal("PAYLOAD_TOO_LARGE"));
  expect(tick({ trace: null }).trace).toBe("null");
});

test.each<[keyof TriggerOptions, unknown]>([
  ["processAt", new Date(NaN)],
  ["processAt", 1_700_000_000_000],
  ["processAt", "2026-01-01"],
  ["priority", 1.5],
  ["priority", 2_147_483_648],
  ["priority", -2_147_483_649],
  ["key", ""],
  ["key", "k".repeat(501)],
  ["key", "a\0b"],
  ["key", 5],
  ["onConflict", "merge"],
  ["concurrencyKey", ""],
  ["concurrencyKey", "k".repeat(501)],
  ["timeoutMs", 0],
  ["timeoutMs", NaN],
  ["proccessAt" as never, new Date(0)],
])("trigger.%s %o is refused", (option, value) => {
  const details = { option: `trigger.${option}`, received: value };
  expect(() => tick({ [option]: value })).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", details }),
  );
});

test("the ends of the options' ranges are allowed", () => {
  expect(tick({ priority: 2_147_483_647 }).priority).toBe(2_147_483_647);
  expect(tick({ priority: -2_147_483_648 }).priority).toBe(-2_147_483_648);
  expect(tick({ key: "k".repeat(500), onConflict: "error" })).toMatchObject({ onConflict: "error" });
  expect(tick({ processAt: new Date(0) }).dueAt).toBe(0);
});

test("an asynchronous schema's answer is there to await", async () => {
  await expect(trigger("checked", "yes").validated).resolves.toBe("yes");
  await expect(trigger("checked", "no").validated).rejects.toThrow("refused");
});

test("an asynchronous schema that refuses while the service still works ends no process", async () => {
  expect(await unhandledIn(() => trigger("checked", "no"))).toEqual([]);
});

test("an asynchronous schema that refuses beside a wrong option ends no process", async () => {
  const both = () => expect(() => trigger("checked", "no", { timeoutMs: 0 })).toThrow("trigger.timeoutMs");
  expect(await unhandledIn(both)).toEqual([]);
});
