import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { faultKinds, type MakeDispatcher, runSeed, simulate } from "@sherd/testing/simulator";
import { describe, expect, it } from "vitest";
import {
  type Mutant,
  withLeasesReadBeforeTheLock,
  withoutCheckingTheLease,
  withoutCountingLosses,
  withoutTheClaimsLock,
  withoutTheFence,
  withTriggersAfterTheCommit,
} from "./mutants.ts";
import { shop } from "./shop.ts";

const dispatcher: MakeDispatcher = (options) =>
  createDurableHooksDispatcher({ ...options, pollIntervalMs: 5_000 });

describe("the simulator", () => {
  it(
    "finds nothing in a fixed set of seeds, with every kind of fault injected",
    { timeout: 60_000 },
    async () => {
      const report = await simulate({ app: shop, dispatcher, seeds: 100, firstSeed: 1 });
      expect(report.failure).toBeNull();
      expect([...report.faults.keys()].toSorted()).toEqual(faultKinds.toSorted());
      expect(faultKinds.length).toBeGreaterThanOrEqual(20);
      expect(report.hooks).toBeGreaterThan(1_000);
    },
  );

  it("gives the same history for the same seed, byte for byte, and another for another", async () => {
    const options = { app: shop, dispatcher };
    const [first, again, other] = [
      await runSeed(options, 7),
      await runSeed(options, 7),
      await runSeed(options, 8),
    ];
    expect(again.history.lines.join("\n")).toBe(first.history.lines.join("\n"));
    expect(other.history.lines).not.toEqual(first.history.lines);
  });

  it.each<readonly [string, () => Mutant, number]>([
    ["the fence removed from settle", () => withoutTheFence, 60],
    ["the claim's lock dropped", () => withoutTheClaimsLock, 10],
    ["the live leases read before the lock", () => withLeasesReadBeforeTheLock, 10],
    ["losses not counted", () => withoutCountingLosses, 60],
    ["leases renewed without a check", () => withoutCheckingTheLease(new Map()), 60],
    ["triggers committed after the transaction", () => withTriggersAfterTheCommit, 60],
  ])("catches a mutant within its seeds: %s", { timeout: 60_000 }, async (_what, mutant, seeds) => {
    const report = await simulate({ app: shop, dispatcher, seeds, alter: mutant() });
    expect(report.failure?.violations.length).toBeGreaterThan(0);
    expect(report.failure?.history.length).toBeGreaterThan(0);
  });
});
