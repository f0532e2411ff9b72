import {
  createDurableHooksProcessor,
  defineFragment,
  fixed,
  hook,
  instantiate,
  isSherdError,
  migrate,
} from "@sherd/core";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace } from "../guarantees/probe.ts";
import { rejection, useProbes } from "./use-probe.ts";

interface Rules {
  /** Whether the schema is that of a newer release. */
  isNewer: boolean;
  readonly received: unknown[];
}

const turns = () => new Promise((resolve) => setImmediate(resolve));

/** Hooks with schemas that transform, that wait, and that become stricter. */
const strictDefinition = defineFragment<Rules>("strict")
  .withHooks(({ config }) => ({
    dated: hook({
      input: z.object({ at: z.coerce.date(), tags: z.array(z.string()).default([]) }),
      run: (payload) => void config.received.push(payload),
    }),
    awaited: hook({
      input: z
        .object({ name: z.string() })
        .refine(async ({ name }) => (await turns(), name !== "taken"), "is taken"),
      run: (payload) => void config.received.push(payload),
    }),
    evolving: hook({
      input: z.unknown().refine(() => !config.isNewer, "is of an older release"),
      retry: fixed({ delayMs: 0, maxAttempts: 2 }),
      run: (payload) => void config.received.push(payload),
    }),
    bare: hook({ run: (payload) => void config.received.push(payload) }),
  }))
  .build();

const cycle: Record<string, unknown> = {};
cycle["self"] = { cycle };

/** What JSON would lose or change without a word, and where it stands. */
const unserializable: readonly (readonly [path: string, payload: unknown])[] = [
  ["a", { a: () => {} }],
  ["a[0]", { a: [undefined] }],
  ["a.b", { a: { b: 1n } }],
  ["", Number.NaN],
  ["[1]", [1, Infinity]],
  ["m", { m: new Map([[1, 2]]) }],
  ["s", { s: Symbol("s") }],
  ["at", { at: new Date(Number.NaN) }],
  ["self.cycle", cycle],
];

describe.each(everyDatabase)("refused payloads, on %s", (kind) => {
  const probes = useProbes(kind);

  async function makeStrict() {
    const rules: Rules = { isNewer: false, received: [] };
    const fragment = instantiate(strictDefinition)
      .withConfig(rules)
      .withOptions({ databaseAdapter: probes.adapter(), namespace: freshNamespace() })
      .build();
    await migrate(fragment);
    const processor = createDurableHooksProcessor(fragment);
    if (processor === null) throw new Error("The fragment has hooks, so it has a processor.");
    return { fragment, processor, rules };
  }

  it("what JSON cannot hold throws PAYLOAD_NOT_SERIALIZABLE at its place, and the transaction rolls back", async () => {
    const { fragment } = await probes.make();
    for (const [path, payload] of unserializable) {
      const refused = await rejection(
        fragment.transaction(async (uow) => {
          await uow.services.note("order", "written");
          uow.triggerHook("work", "before it");
          uow.triggerHook("work", payload);
        }),
      );
      expect(refused).toMatchObject({ code: "PAYLOAD_NOT_SERIALIZABLE", details: { hook: "work", path } });
    }
    expect(await fragment.services.effects()).toEqual([]);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
  });

  it("it throws before anything is written, so a service that catches it goes on", async () => {
    const { fragment, processor } = await probes.make();
    await fragment.transaction(async (uow) => {
      expect(() => uow.triggerHook("work", 1n)).toThrow(/bigint/);
      expect(() => uow.triggerHook("work", 1, { priority: 0.5 })).toThrow(/priority/);
      uow.triggerHook("work", "the other way");
    });
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
  });

  it("a payload that does not fit throws PAYLOAD_INVALID with every issue and its path", async () => {
    const { fragment } = await makeStrict();
    const refused = await rejection(
      fragment.transaction(async (uow) => {
        uow.triggerHook("dated", { at: "no date", tags: ["a", 2] as string[] });
      }),
    );
    expect(
      isSherdError(refused, "PAYLOAD_INVALID") && refused.details.issues.map(({ path }) => path),
    ).toEqual(["at", "tags[1]"]);
    const unasked = fragment.transaction(async (uow) => void uow.triggerHook("bare", "a payload" as never));
    expect(isSherdError(await rejection(unasked), "PAYLOAD_INVALID")).toBe(true);
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
  });

  it("a Date goes in and, by a schema that transforms, a Date comes out; defaults are filled in", async () => {
    const { fragment, processor, rules } = await makeStrict();
    const at = new Date("2026-02-03T04:05:06.789Z");
    const id = await fragment.transaction(async (uow) => uow.triggerHook("dated", { at }));
    expect(await fragment.hooks.get(id)).toMatchObject({ payload: { at: at.toISOString() } });
    await processor.processDue();
    expect(rules.received).toEqual([{ at, tags: [] }]);
  });

  it("a schema that waits is waited for before the commit, and a refusal rolls the transaction back", async () => {
    const { fragment, processor, rules } = await makeStrict();
    const other = await probes.make();
    const trigger = (name: string) =>
      fragment.transaction(async (uow) => {
        await uow.use(other.fragment).services.note("order", name);
        return uow.triggerHook("awaited", { name });
      });
    const refused = await rejection(trigger("taken"));
    expect(isSherdError(refused, "PAYLOAD_INVALID") && refused.details).toMatchObject({
      hook: "awaited",
      issues: [{ message: "is taken" }],
    });
    expect(await fragment.hooks.count()).toMatchObject({ pending: 0 });
    await trigger("free");
    expect(await other.fragment.services.effects()).toMatchObject([{ note: "free" }]);
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
    expect(rules.received).toEqual([{ name: "free" }]);
  });

  it("what an older release wrote and a newer schema refuses fails with PAYLOAD_INVALID, by its retry policy", async () => {
    const { fragment, processor, rules } = await makeStrict();
    const id = await fragment.transaction(async (uow) => uow.triggerHook("evolving", { version: 1 }));
    rules.isNewer = true;
    expect(await processor.processDue()).toMatchObject({ completed: 0, failed: 2 });
    expect(await fragment.hooks.get(id)).toMatchObject({
      status: "failed",
      failures: 2,
      lastError: { code: "PAYLOAD_INVALID", message: expect.stringContaining("is of an older release") },
    });
    rules.isNewer = false;
    await fragment.hooks.retry(id);
    expect(await processor.processDue()).toMatchObject({ completed: 1 });
    expect(rules.received).toEqual([{ version: 1 }]);
  });
});
