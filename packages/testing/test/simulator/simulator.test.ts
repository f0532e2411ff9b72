import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import {
  faultKinds,
  type MakeDispatcher,
  runSeed,
  simulate,
  type SimulateOptions,
} from "@sherd/testing/simulator";
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
import {
  withCheckpointsAfterTheCommit,
  withCheckpointsKeptAfterARollback,
  withoutTheRevisionFence,
  withPullsOfLiveLeases,
} from "./pull-mutants.ts";
import { shop } from "./shop.ts";
import { shopWithFeeds } from "./shop-with-feeds.ts";

const dispatcher: MakeDispatcher = (options) =>
  createDurableHooksDispatcher({ ...options, pollIntervalMs: 5_000 });

describe("the simulator", () => {
  it(
    "finds nothing in a fixed set of seeds, with every kind of fault injected",
    { timeout: 60_000 },
    async () => {
      const report = await simulate({ app: shopWithFeeds, dispatcher, seeds: 60, firstSeed: 1 });
      expect(report.failure).toBeNull();
      expect([...report.faults.keys()].toSorted()).toEqual(faultKinds.toSorted());
      expect(faultKinds.length).toBeGreaterThanOrEqual(20);
      expect(report.hooks).toBeGreaterThan(600);
    },
  );

  it("gives the same history for the same seed, byte for byte, and another for another", async () => {
    const options = { app: shopWithFeeds, dispatcher };
    const [first, again, other] = [
      await runSeed(options, 7),
      await runSeed(options, 7),
      await runSeed(options, 8),
    ];
    expect(again.history.lines.join("\n")).toBe(first.history.lines.join("\n"));
    expect(other.history.lines).not.toEqual(first.history.lines);
  });

  it.each<readonly [string, () => Mutant, string, number]>([
    [
      "the fence removed from settle",
      () => withoutTheFence,
      "no finish under a lease that is gone takes effect",
      60,
    ],
    ["the claim's lock dropped", () => withoutTheClaimsLock, "no two live leases list one item", 10],
    [
      "the live leases read before the lock",
      () => withLeasesReadBeforeTheLock,
      "no two live leases list one item",
      10,
    ],
    [
      "losses not counted",
      () => withoutCountingLosses,
      "no finish under a lease that is gone takes effect",
      60,
    ],
    [
      "leases renewed without a check",
      () => withoutCheckingTheLease(new Map()),
      "no two live leases list one item",
      60,
    ],
    [
      "triggers committed after the transaction",
      () => withTriggersAfterTheCommit,
      "the app's own checks hold",
      60,
    ],
  ])("catches a mutant: $0, by “$2” within $3 seeds", { timeout: 60_000 }, async (...given) => {
    const [, mutant, invariant, seeds] = given;
    await expectCaught({ app: shop, dispatcher, seeds, alter: mutant() }, invariant);
  });

  it.each<readonly [string, Mutant, string, number]>([
    [
      "the revision fence removed from move",
      withoutTheRevisionFence,
      "no end of a holder that was taken over takes effect",
      60,
    ],
    ["live leases pulled", withPullsOfLiveLeases, "a subject has at most one live holder", 10],
    [
      "checkpoints written after their transaction",
      withCheckpointsAfterTheCommit,
      "a cursor and the data it stands for agree",
      10,
    ],
    [
      "checkpoints kept although their transaction was rolled back",
      withCheckpointsKeptAfterARollback,
      "a cursor commits with its transaction or never shows",
      60,
    ],
  ])("catches a mutant: $0, by “$2” within $3 seeds", { timeout: 60_000 }, async (...given) => {
    const [, alter, invariant, seeds] = given;
    await expectCaught({ app: shopWithFeeds, dispatcher, seeds, alter }, invariant);
  });
});

/** By this invariant: when a seed breaks another one first, those after it are tried. */
async function expectCaught(
  options: SimulateOptions & { readonly seeds: number },
  invariant: string,
): Promise<void> {
  let broken: readonly string[] = [];
  for (let seed = 1; seed <= options.seeds && !broken.includes(invariant);) {
    const seeds = options.seeds - seed + 1;
    const { failure } = await simulate({ ...options, firstSeed: seed, seeds });
    broken = failure?.violations.map((violation) => violation.invariant) ?? [];
    expect(failure?.history.some((line) => line.includes("VIOLATION"))).not.toBe(false);
    seed = (failure?.seed ?? options.seeds) + 1;
  }
  expect(broken).toContain(invariant);
}
