import { describe, expect, it } from "vitest";
import { type SeededRandom, seededRandom } from "../../src/adapter/seeded-random.ts";
import { eventually } from "../../src/eventually.ts";
import type { Child } from "./child.ts";
import { expectWhole, type Kind, kinds, openCrashTest } from "./open-crash-test.ts";
import type { Order } from "./orders.ts";
import type { Shop } from "./shop.ts";
import type { Snapshot } from "./snapshot.ts";

const seed = Number(process.env["SHERD_CRASH_SEED"] ?? 1);
const kills = Number(process.env["SHERD_CRASH_KILLS"] ?? 10);
const freezes = Math.ceil(kills / 2);
const hooks = 300;
const keys = ["north", "south"];
/** A hook that happens to run at many kills is not what kills. */
const maxLost = 50;
const soon = { withinMs: 20_000 };

describe.each(kinds)("two workers on %s", (kind) => {
  it(`lose nothing and repeat nothing over ${kills} kills at random moments, seed ${seed}`, async () => {
    const { shop, journal, start, workers, effects } = await setUp(kind);
    const random = seededRandom(seed);
    const ids = await placeAll(shop, random);
    for (const moment of moments(random, kills)) {
      await eventually(async () => (await effects()) >= moment, soon);
      const victim = random.below(2);
      workers[victim]?.signal("SIGKILL");
      workers[victim] = await start();
    }
    await expectEachInOrder(shop, journal, ids);
  }, 120_000);

  it(`lose nothing and repeat nothing over ${freezes} freezes past the lease, seed ${seed}`, async () => {
    const { shop, journal, workers, effects, abandoned } = await setUp(kind);
    const random = seededRandom(seed);
    const ids = await placeAll(shop, random);
    for (const moment of moments(random, freezes)) {
      await eventually(async () => (await effects()) >= moment, soon);
      const frozen = workers[random.below(2)];
      frozen?.signal("SIGSTOP");
      await abandoned(frozen);
      frozen?.signal("SIGCONT");
    }
    await expectEachInOrder(shop, journal, ids);
  }, 120_000);
});

async function setUp(kind: Kind) {
  const { children, location, journal, open } = await openCrashTest(kind);
  const shop = open();
  const owners = new Map<Child, string>();
  const start = async () => {
    const owner = `worker ${owners.size + 1}`;
    const durableHooks = { concurrency: 5, leaseMs: 300, maxLost, owner };
    const worker = await children.work({ location, journal, pollIntervalMs: 200, durableHooks });
    owners.set(worker, owner);
    return worker;
  };
  const holds = async (owner: string | undefined) => {
    const { hooks: held } = await shop.fragment.hooks.list({ status: "processing", limit: 1_000 });
    return held.some((hook) => hook.owner === owner);
  };
  return {
    shop,
    journal,
    start,
    workers: [await start(), await start()],
    effects: async () => (await shop.fragment.services.effects()).length,
    /** Resolves when others have what a frozen worker held, or cannot have it: it may have been frozen in a transaction. */
    abandoned: async (worker: Child | undefined) => {
      const frozenAt = performance.now();
      const owner = worker && owners.get(worker);
      await eventually(async () => !(await holds(owner)) || performance.now() > frozenAt + 1_000, soon);
    },
  };
}

/** All at once, of every kind. Answers their hooks in order, with their concurrency keys. */
async function placeAll(
  { place }: Shop,
  random: SeededRandom,
): Promise<ReadonlyMap<string, string | undefined>> {
  const orders = Array.from({ length: hooks }, (_, index): Order => {
    const key = random.pick([undefined, undefined, ...keys]);
    return {
      act: random.pick(["record", "once", "once", "with child", "fail first"]),
      note: `order ${index}`,
      takesMs: random.below(20),
      ...(key === undefined ? {} : { options: { concurrencyKey: key } }),
    };
  });
  const ids = await place(...orders);
  return new Map(ids.map((id, index) => [id, orders[index]?.options?.concurrencyKey]));
}

/** So many moments, each a number of effects that were there at it. */
function moments(random: SeededRandom, count: number): readonly number[] {
  return Array.from({ length: count }, () => random.below(hooks - 50)).toSorted((one, other) => one - other);
}

async function expectEachInOrder(shop: Shop, journal: string, ids: ReadonlyMap<string, string | undefined>) {
  const snapshot = await expectWhole(shop, journal, maxLost);
  expect(snapshot.hooks.filter(({ status }) => status !== "completed")).toEqual([]);
  for (const key of keys) {
    const ofKey = [...ids].filter(([, each]) => each === key).map(([id]) => id);
    expect(inOrder(snapshot, new Set(ofKey))).toEqual(ofKey);
  }
}

/** The hooks among `ids` in the order in which they took effect for the first time. */
function inOrder({ effects }: Snapshot, ids: ReadonlySet<string>): readonly string[] {
  return [...new Set(effects.map(({ hook }) => hook))].filter((id) => ids.has(id));
}
