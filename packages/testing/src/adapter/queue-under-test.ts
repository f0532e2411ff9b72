import {
  type Claim,
  type ClaimedItem,
  type ClaimRequest,
  type DatabaseAdapter,
  type ItemFilter,
  type ItemPage,
  type ItemView,
  type KeyConflict,
  type NewItem,
  type SettledItem,
  type Settlement,
  type Storage,
  type Sweep,
} from "@sherd/core";
import { expect } from "vitest";
import { eventually } from "../eventually.ts";
import type { AdapterUnderTest } from "./adapter-under-test.ts";
import { claimRequest } from "./claim-request.ts";
import { newItem } from "./new-item.ts";

/** The verbs over a queue that no other test uses, with the defaults that most tests want. */
export interface QueueUnderTest {
  readonly adapter: DatabaseAdapter;
  readonly storage: Storage;
  readonly queue: string;
  /** Three adapters on the same database, as three processes would open them; where there can be only one, that. */
  readonly adapters: readonly [DatabaseAdapter, DatabaseAdapter, DatabaseAdapter];

  /** Milliseconds since the epoch on the database clock. */
  now(): number;
  /** Resolve once the database clock is `ms` further than at the call. Leases claimed for less have expired then. */
  pass(ms: number): Promise<void>;
  /** Do `work` on a database of its own without any table, which the suite closes. */
  inEmpty(work: (database: AdapterUnderTest) => Promise<void>): Promise<void>;

  newItem(overrides?: Partial<NewItem>): NewItem;
  /** Enqueue items in one batch and transaction of their own; answers their ids. */
  enqueue<Items extends readonly Partial<NewItem>[]>(
    ...items: Items
  ): Promise<{ [Index in keyof Items]: string }>;
  /** As `enqueue`, but answers the conflicts. */
  enqueueInConflict(...items: readonly Partial<NewItem>[]): Promise<readonly KeyConflict[]>;
  claim(request?: Partial<ClaimRequest>, closed?: readonly string[]): Promise<Claim>;
  /** Claim and answer the ids alone. */
  claimIds(request?: Partial<ClaimRequest>): Promise<readonly string[]>;
  /** Claim, and expect it to answer exactly one item. */
  claimOne(request?: Partial<ClaimRequest>): Promise<ClaimedItem>;
  /** Enqueue items and claim them in one lease. */
  claimNew<Items extends readonly Partial<NewItem>[]>(
    request: Partial<ClaimRequest>,
    ...items: Items
  ): Promise<{ [Index in keyof Items]: ClaimedItem }>;
  /** Settle, expect an answer per outcome in the same order, and answer their results. */
  settle(...outcomes: readonly Settlement[]): Promise<readonly SettledItem["result"][]>;
  sweep(limit?: number, maxLost?: number): Promise<Sweep>;
  /** As `nextWakeInMs` for the items' default name. */
  nextWakeInMs(): Promise<number | null>;
  list(filter: Partial<ItemFilter>): Promise<ItemPage>;
  /** The item, which must exist. */
  view(id: string): Promise<ItemView>;
}

export interface QueueOptions {
  readonly underTest: AdapterUnderTest;
  readonly adapters: QueueUnderTest["adapters"];
  readonly inEmpty: QueueUnderTest["inEmpty"];
}

export function queueUnderTest({ underTest, adapters, inEmpty }: QueueOptions): QueueUnderTest {
  const { adapter, clock } = underTest;
  const { storage } = adapter;
  const queue = `conformance/${crypto.randomUUID()}`;
  const make = (overrides?: Partial<NewItem>) => newItem(queue, overrides);
  const insert = (items: readonly NewItem[]) => adapter.transaction((tx) => storage.enqueue(tx, items));

  const q: QueueUnderTest = {
    adapter,
    storage,
    queue,
    adapters,
    inEmpty,
    now: () => clock?.now() ?? Date.now(),
    pass: (ms) => (clock ? clock.advance(ms) : waitForDatabaseClock(adapter, ms)),
    newItem: make,
    async enqueue(...overrides) {
      const items = overrides.map(make);
      expect(await insert(items)).toEqual([]);
      return items.map(({ id }) => id) as { [Index in keyof typeof overrides]: string };
    },
    enqueueInConflict: (...overrides) => insert(overrides.map(make)),
    claim: (overrides, closed = []) => storage.claim(claimRequest(queue, overrides), closed),
    async claimIds(overrides) {
      const { items } = await q.claim(overrides);
      return items.map(({ id }) => id);
    },
    async claimOne(overrides) {
      const { items } = await q.claim(overrides);
      const [item] = items;
      if (items.length !== 1 || item === undefined)
        throw new Error(`Claimed ${items.length} items instead of one.`);
      return item;
    },
    async claimNew(overrides, ...items) {
      const ids = await q.enqueue(...items);
      const claim = await q.claim(overrides);
      const claimed = ids.map((id) => claim.items.find((item) => item.id === id));
      expect(claimed).not.toContain(undefined);
      return claimed as { [Index in keyof typeof items]: ClaimedItem };
    },
    async settle(...outcomes) {
      const answers = await storage.settle(queue, outcomes);
      expect(answers.map(({ id }) => id)).toEqual(outcomes.map(({ id }) => id));
      return answers.map(({ result }) => result);
    },
    sweep: (limit = 100, maxLost = 3) => storage.sweep(queue, limit, maxLost),
    nextWakeInMs: () => storage.nextWakeInMs(queue, ["deliver"]),
    list: (filter) => storage.list(queue, { status: "pending", limit: 100, cursor: null, ...filter }),
    async view(id) {
      const view = await storage.get(queue, id);
      if (view === null) throw new Error(`The queue has no item ${id}.`);
      return view;
    },
  };
  return q;
}

/** Take a lease of `ms` on a queue that nobody else uses, and ask until it has expired. */
async function waitForDatabaseClock(adapter: DatabaseAdapter, ms: number): Promise<void> {
  const { storage } = adapter;
  const queue = `conformance/clock/${crypto.randomUUID()}`;
  await adapter.transaction((tx) => storage.enqueue(tx, [newItem(queue)]));
  await storage.claim(claimRequest(queue, { leaseMs: ms }), []);
  await eventually(async () => (await storage.nextWakeInMs(queue, ["deliver"])) === 0, {
    withinMs: ms + 5000,
  });
}
