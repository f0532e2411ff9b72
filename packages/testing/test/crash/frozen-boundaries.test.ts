import { describe, expect, it } from "vitest";
import { eventually } from "../../src/eventually.ts";
import { expectWhole, kinds, openCrashTest } from "./open-crash-test.ts";

const soon = { withinMs: 10_000 };

/** Where the lease may pass to another process: on SQLite not inside a transaction, which keeps the whole file locked. */
const boundaries = {
  SQLite: { settle: "settle/begin", transaction: "transaction/begin" },
  PostgreSQL: { settle: "settle/settle", transaction: "hold/hold" },
} as const;

describe.each(kinds)(
  "a process that is frozen before a statement, and continued when another one has its hook, on %s",
  (kind) => {
    it.each([
      ["run a hook", "settle"],
      ["settle a failed attempt, and retry it", "settle"],
      ["run a hook with ctx.transaction and a hook triggered in it", "transaction"],
    ] as const)(
      "changes nothing any more: %s",
      async (scenario, at) => {
        const { location, journal, children, open, poll } = await openCrashTest(kind);
        const death = { statement: boundaries[kind][at], phase: "before" } as const;
        const frozen = await children.play({ location, journal, scenario, death, signal: "SIGSTOP" });
        const { fragment } = open();
        const isClaimed = async () => (await fragment.hooks.count()).processing === 1;
        await eventually(isClaimed, soon);
        const { promise: enough, resolve: goOn } = Promise.withResolvers<void>();
        let running: string | undefined;
        const { shop } = poll({
          durableHooks: { leaseMs: 10_000, owner: "the other process" },
          async wait({ id }) {
            running ??= id;
            await enough;
          },
        });
        const id = await eventually(() => running, soon);
        const before = await shop.fragment.hooks.get(id ?? "");
        frozen.signal("SIGCONT");
        await frozen.acted;
        expect(await shop.fragment.hooks.get(id ?? "")).toEqual(before);
        expect(before).toMatchObject({
          status: "processing",
          owner: "the other process",
          attempts: 1,
          lost: 1,
        });
        goOn();
        const { hooks } = await expectWhole(shop, journal);
        expect(new Set(hooks.map(({ status }) => status))).toEqual(new Set(["completed"]));
      },
      20_000,
    );
  },
);
