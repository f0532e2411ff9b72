/** What a process is doing when it dies: small, so that its table row says what was left half done. */
import { type Claim, type ClaimRequest, type Dialect, released, type Settlement } from "@sherd/core";
import { eventually } from "../../src/eventually.ts";
import postgres from "postgres";
import type { Order, Wait } from "./orders.ts";
import { queue } from "./orders.ts";
import type { Seam } from "./seam.ts";
import type { Shop } from "./shop.ts";

export interface Stage {
  readonly shop: Shop;
  readonly seam: Seam;
  readonly location: string;
}

export interface Scenario {
  readonly name: string;
  /** The verbs, or single statements of one, at whose boundaries the process dies. */
  readonly about: readonly string[];
  /** Default: both. */
  readonly only?: Dialect;
  /** Begin with a database without any table. */
  readonly startsEmpty?: boolean;
  /** What a hook that waits waits for. */
  readonly wait?: (seam: Seam) => Wait;
  /** What was so before. Answers what `act` needs to know. */
  prepare?(stage: Stage): Promise<readonly string[]>;
  act(stage: Stage, ids: readonly string[]): Promise<void>;
}

/** Long enough for what a scenario does under it, short enough to be waited for. */
const deadLeaseMs = 300;

/** So many behind a busy key that a claim of one blocks them. */
const enoughToBlock = 210;

const untilAborted: Wait = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));
const runAll = async ({ shop }: Stage) => void (await shop.processor.processDue());
const placing =
  (...orders: readonly Order[]) =>
  async ({ shop }: Stage) =>
    shop.place(...orders);

export const scenarios: readonly Scenario[] = [
  {
    name: "migrate an empty database",
    about: ["migrate", "transaction"],
    startsEmpty: true,
    act: ({ shop }) => shop.migrate(),
  },
  {
    name: "begin to use a database",
    about: ["migrate", "verify"],
    act: async ({ shop }) => void (await shop.fragment.services.orders()),
  },
  {
    name: "trigger two hooks",
    about: ["transaction", "enqueue", "publish"],
    act: async ({ shop }) =>
      void (await shop.place({ act: "once", note: "one" }, { act: "record", note: "other" })),
  },
  {
    name: "trigger a hook with a key",
    about: ["enqueue", "transaction/commit"],
    act: async ({ shop }) => void (await shop.place({ act: "once", note: "keyed", options: { key: "key" } })),
  },
  {
    name: "replace the payload of a pending hook",
    about: ["enqueue", "transaction/commit"],
    prepare: placing({ act: "once", note: "first", options: { key: "key" } }),
    act: ({ shop }) => shop.fragment.services.change("key", { act: "once", note: "second" }),
  },
  {
    name: "trigger within a transaction of the application's own",
    about: ["application", "enqueue", "publish"],
    act: ({ shop }) =>
      shop.placeWithin([
        { act: "once", note: "free" },
        { act: "once", note: "keyed", options: { key: "key" } },
      ]),
  },
  {
    name: "trigger within a transaction that is rolled back",
    about: ["application", "enqueue"],
    act: ({ shop }) => shop.placeWithin([{ act: "once", note: "refused" }], true),
  },
  {
    name: "run a hook",
    about: ["sweep", "claim", "settle", "closeLeases", "nextWakeInMs"],
    prepare: placing({ act: "record", note: "plain", takesMs: 0 }),
    act: runAll,
  },
  {
    name: "run a hook with a large payload",
    about: ["claim"],
    only: "sqlite",
    prepare: placing({ act: "record", note: "large", takesMs: 0, padding: "x".repeat(2_000) }),
    act: runAll,
  },
  {
    name: "run a hook with ctx.transaction and a hook triggered in it",
    about: ["transaction", "hold", "enqueue", "settle"],
    prepare: placing({ act: "with child", note: "parent", takesMs: 0 }),
    act: runAll,
  },
  {
    name: "settle a failed attempt, and retry it",
    about: ["settle"],
    prepare: placing({ act: "fail first", note: "second attempt", takesMs: 0 }),
    act: runAll,
  },
  {
    name: "settle an attempt that failed for good",
    about: ["settle"],
    prepare: placing({ act: "fail", note: "undeliverable" }),
    act: runAll,
  },
  {
    name: "give a running hook back",
    about: ["settle"],
    wait: () => untilAborted,
    prepare: placing({ act: "wait", note: "interrupted" }),
    async act({ shop }) {
      await shop.processor.wake();
      await shop.processor.stop({ deadlineMs: 0 });
    },
  },
  {
    name: "renew a lease",
    about: ["extend"],
    wait: (seam) => () => seam.answered("extend/commit", "extend/renew"),
    prepare: placing({ act: "wait", note: "long" }),
    act: runAll,
  },
  {
    name: "claim again, and close the lease before",
    about: ["claim"],
    prepare: async (stage) => {
      const ids = await stage.shop.place({ act: "fail", note: "one" }, { act: "once", note: "other" });
      const claimed = await claim(stage, { limit: 1 });
      await settle(stage, claimed, { state: "done", outcome: "failed", failed: true });
      return [...claimed.items.map(({ lease }) => lease), ...ids];
    },
    async act({ shop }, [lease = ""]) {
      await shop.adapter.storage.claim(request({}), [lease]);
    },
  },
  {
    name: "claim, where many wait for one concurrency key",
    about: [
      "claim/find-busy",
      "claim/pick-free",
      "claim/measure",
      "claim/block",
      "claim/unblock",
      "claim/lease",
      "claim/commit",
    ],
    async prepare(stage) {
      const order = {
        act: "record",
        note: "in line",
        takesMs: 0,
        options: { concurrencyKey: "line" },
      } as const;
      const ids = await stage.shop.place(...Array.from({ length: enoughToBlock }, () => order));
      const { items } = await claim(stage, { limit: 1 });
      return [...items.map(({ lease }) => lease), ...ids];
    },
    async act(stage, [lease = ""]) {
      // It blocks those behind the first. Then that is given back and claimed again, and another one may follow.
      await claim(stage, { limit: 1 });
      await stage.shop.adapter.storage.closeLeases([lease]);
      await claim(stage, { limit: 1 });
    },
  },
  {
    name: "promote a hook that has become due",
    about: ["sweep"],
    async prepare(stage) {
      const processAt = new Date(Date.now() + 20);
      const ids = await stage.shop.place({ act: "once", note: "later", options: { processAt } });
      await eventually(() => Date.now() > processAt.getTime(), { withinMs: 1_000 });
      return ids;
    },
    act: runAll,
  },
  {
    name: "recover a lost hook",
    about: ["sweep"],
    async prepare(stage) {
      const ids = await stage.shop.place({ act: "once", note: "lost" });
      await lose(stage);
      return ids;
    },
    act: runAll,
  },
  {
    name: "recover a lost hook that was to be cancelled",
    about: [
      "sweep/change-items",
      "sweep/measure-finished",
      "sweep/insert-history",
      "sweep/delete-finished",
      "sweep/sweep",
      "sweep/commit",
    ],
    async prepare(stage) {
      const ids = await stage.shop.place({ act: "once", note: "lost" });
      await claim(stage, { leaseMs: 100 });
      await stage.shop.fragment.hooks.cancel(ids[0] ?? "");
      await isDue(stage);
      return ids;
    },
    act: runAll,
  },
  {
    name: "cancel a pending hook",
    about: ["cancel"],
    prepare: placing({ act: "once", note: "unwanted" }),
    act: async ({ shop }, [id = ""]) => void (await shop.fragment.hooks.cancel(id)),
  },
  {
    name: "cancel a running hook",
    about: ["cancel/request-cancel", "cancel/cancel", "cancel/commit", "settle"],
    wait: () => untilAborted,
    prepare: placing({ act: "wait", note: "unwanted" }),
    async act({ shop }, [id = ""]) {
      await shop.processor.wake();
      await shop.fragment.hooks.cancel(id);
      await shop.processor.idle();
    },
  },
  {
    name: "retry a failed hook by hand",
    about: ["retry"],
    async prepare(stage) {
      const ids = await stage.shop.place({ act: "fail", note: "again", options: { key: "key" } });
      const claimed = await claim(stage, { leaseMs: deadLeaseMs });
      await settle(stage, claimed, { state: "done", outcome: "failed", failed: true });
      return ids;
    },
    act: ({ shop }, [id = ""]) => shop.fragment.hooks.retry(id),
  },
  {
    name: "refuse to cancel or retry what has completed",
    about: ["cancel/find-in-history", "retry/find-in-history"],
    only: "sqlite",
    async prepare(stage) {
      const ids = await stage.shop.place({ act: "once", note: "delivered" });
      await runAll(stage);
      return ids;
    },
    async act({ shop }, [id = ""]) {
      const { hooks } = shop.fragment;
      await Promise.allSettled([hooks.cancel(id), hooks.retry(id)]);
    },
  },
  {
    name: "park an item, and wake it",
    about: ["settle/change-items", "settle/write-leases", "settle/settle", "settle/commit", "wake"],
    prepare: placing({ act: "once", note: "patient", options: { key: "parked" } }),
    async act(stage) {
      await settle(stage, await claim(stage, {}), { state: "parked", gate: "signal" });
      await stage.shop.adapter.storage.wake(queue, ["parked"]);
    },
  },
  {
    name: "settle what another transaction has locked",
    about: ["settle/settle-unlocked"],
    only: "postgres",
    prepare: placing({ act: "once", note: "locked" }),
    async act(stage) {
      const claimed = await claim(stage, {});
      const client = postgres(stage.location, { max: 1 });
      await client.begin(async (tx) => {
        await tx`select 1 from sherd_lease for update`;
        await settle(stage, claimed, { state: "ready" });
      });
      await client.end();
    },
  },
  {
    name: "prune completed hooks",
    about: ["prune"],
    prepare: (stage) => finish(stage, "record"),
    act: async ({ shop }) => void (await shop.fragment.hooks.prune({ status: "completed", olderThanMs: 0 })),
  },
  {
    name: "prune failed hooks",
    about: ["prune/prune", "prune/failed", "prune/commit"],
    prepare: (stage) => finish(stage, "fail"),
    act: async ({ shop }) => void (await shop.fragment.hooks.prune({ status: "failed", olderThanMs: 0 })),
  },
  {
    name: "look at hooks",
    about: ["list", "count", "get"],
    prepare: placing({ act: "once", note: "seen" }),
    async act({ shop }, [id = ""]) {
      await shop.fragment.hooks.list({ status: "pending" });
      await shop.fragment.hooks.count();
      await shop.fragment.hooks.get(id);
    },
  },
  {
    name: "look at what has completed",
    about: ["list", "get"],
    only: "sqlite",
    prepare: (stage) => finish(stage, "record"),
    async act({ shop }, [id = ""]) {
      await shop.fragment.hooks.list({ status: "completed" });
      await shop.fragment.hooks.get(id);
    },
  },
];

function request(given: Partial<ClaimRequest>): ClaimRequest {
  return { queue, names: ["deliver"], limit: 10, leaseMs: deadLeaseMs, owner: "another process", ...given };
}

function claim({ shop }: Stage, given: Partial<ClaimRequest>): Promise<Claim> {
  return shop.adapter.storage.claim(request(given), []);
}

/** End what was claimed as a process would that does without a processor. */
async function settle({ shop }: Stage, { items }: Claim, end: Partial<Settlement>): Promise<void> {
  const settlements = items.map((item) => ({ ...released(item), ...end }));
  await shop.adapter.storage.settle(queue, settlements);
}

/** Have a process that holds everything die. */
async function lose(stage: Stage): Promise<void> {
  await claim(stage, { leaseMs: 1 });
  await isDue(stage);
}

async function isDue({ shop }: Stage): Promise<void> {
  await eventually(async () => (await shop.processor.getNextWakeInMs()) === 0, { withinMs: 5_000 });
}

async function finish(stage: Stage, act: "record" | "fail"): Promise<readonly string[]> {
  const ids = await stage.shop.place({ act, note: "old", mayBePruned: true });
  await runAll(stage);
  // What finished in this very millisecond did not finish before it.
  const finishedBy = Date.now();
  await eventually(() => Date.now() > finishedBy + 1, { withinMs: 1_000 });
  return ids;
}
