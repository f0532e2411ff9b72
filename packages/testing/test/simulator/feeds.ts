import { fixed, newId, NonRetryable, RetryAfter } from "@sherd/core";
import {
  createSubjects,
  pool,
  type SubjectEvent,
  type SubjectContext,
  type SubjectOf,
} from "@sherd/subjects";
import type { ProcessContext } from "@sherd/testing/simulator";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

/** How many of its pages are kept. */
interface Cursor {
  readonly page: number;
}

/** How a feed's pages and its cursor are written. */
interface Meta {
  readonly keeps: "together" | "in a unit of work" | "one after the other";
}

const pools = {
  feed: pool<Cursor, Meta>({ retry: fixed({ delayMs: 300, maxAttempts: 1 }) }),
};
type Pools = typeof pools;
export type Feed = SubjectOf<Pools, "feed">;
type FeedContext = SubjectContext<Pools, "feed">;

export const dispatcherId = "feed";

/** A feed ends here, so that what its pages trigger does, too. */
const lastPage = 40;

/** The rows that the cursors stand for. */
export const pageTable = sqliteTable("shop_page", {
  id: text("id").primaryKey(),
  feed: text("feed").notNull(),
  number: integer("number").notNull(),
});

export const newPage = (feed: string, number: number) => ({ id: newId(), feed, number });

/** The unit of work of whoever else writes in the same transaction. */
export interface Writer {
  /** Write a page and do `beside` in one transaction, which `beside` is given. */
  write(
    page: ReturnType<typeof newPage>,
    beside: (transaction: object) => Promise<unknown>,
  ): Promise<unknown>;
}

export const discovered: readonly { readonly subjectKey: string; readonly meta: Meta }[] = [
  { subjectKey: "feed 1", meta: { keeps: "together" } },
  { subjectKey: "feed 2", meta: { keeps: "together" } },
  { subjectKey: "feed 3", meta: { keeps: "in a unit of work" } },
  { subjectKey: "feed 4", meta: { keeps: "one after the other" } },
];

/** One process's feeds: those that it drives, and those that its users claim by hand. */
export function openFeeds(context: ProcessContext) {
  const { databaseAdapter, durableHooks, note } = context;
  const { clock, random, owner = "nobody", leaseMs = 1_000 } = durableHooks;
  const options = {
    databaseAdapter,
    pools,
    onEvent: (event: SubjectEvent) => note(describe(event)),
    ...(clock === undefined ? {} : { clock }),
    ...(random === undefined ? {} : { random }),
  };
  const driven = createSubjects({ ...options, owner });
  const chances = new Chances(random ?? Math.random);
  return {
    byHand: createSubjects({ ...options, owner: `${owner} by hand` }),
    sleep: context.sleep,
    processor: (writer: Writer) =>
      driven.runSubjects({
        dispatcherId,
        every: 4_000,
        discover: async () => {
          if (chances.has(0.1)) throw new Error("nobody knows the feeds");
          return discovered;
        },
        concurrency: 2,
        leaseMs,
        timeoutMs: 4_000,
        failurePolicy: { parkAfter: 8 },
        handle: (_, ctx) => new Reading(context, chances, writer, ctx).run(),
      }),
  };
}

class Chances {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  has(probability: number): boolean {
    return this.#random() < probability;
  }

  upTo(max: number): number {
    return 1 + Math.floor(this.#random() * max);
  }
}

/** One run: it reads a few pages, and much may happen to it. */
class Reading {
  readonly #process: ProcessContext;
  readonly #chances: Chances;
  readonly #writer: Writer;
  readonly #ctx: FeedContext;

  constructor(process: ProcessContext, chances: Chances, writer: Writer, ctx: FeedContext) {
    this.#process = process;
    this.#chances = chances;
    this.#writer = writer;
    this.#ctx = ctx;
  }

  async run(): Promise<{ readonly nextDueAt?: Date }> {
    for (let left = this.#chances.upTo(3); left > 0; left--) {
      await this.#meetTrouble();
      try {
        await this.#keepNextPage();
      } catch (error) {
        // Some go on from where the cursor is; only whose transaction it was knows where that is.
        if (this.#ctx.subject.meta?.keeps === "in a unit of work" || this.#chances.has(0.5)) throw error;
      }
    }
    const { lastStartedAt } = this.#ctx.subject;
    const isSoon = this.#chances.has(0.2) && lastStartedAt !== null;
    return isSoon ? { nextDueAt: new Date(lastStartedAt.getTime() + this.#chances.upTo(2_000)) } : {};
  }

  async #meetTrouble(): Promise<void> {
    const { sleep, crash } = this.#process;
    if (this.#chances.has(0.25)) await sleep(this.#chances.upTo(1_500));
    if (this.#chances.has(0.5)) this.#ctx.signal.throwIfAborted();
    if (this.#chances.has(0.06)) throw new Error("the feed does not answer");
    if (this.#chances.has(0.01)) throw new NonRetryable("the feed is closed");
    if (this.#chances.has(0.02)) throw new RetryAfter(500);
    if (this.#chances.has(0.01)) await new Promise(() => {});
    if (!this.#chances.has(0.01)) return;
    crash();
    await new Promise(() => {});
  }

  async #keepNextPage(): Promise<void> {
    const { subjectKey, cursor, meta } = this.#ctx.subject;
    const row = newPage(subjectKey, (cursor?.page ?? 0) + 1);
    if (row.number > lastPage) return;
    const next = { cursor: { page: row.number } };
    const isWithdrawn = this.#chances.has(0.06);
    switch (meta?.keeps) {
      case "one after the other":
        await this.#writer.write(row, async () => {});
        await this.#ctx.checkpoint(this.#chances.has(0.2) ? { ...next, leaseMs: 2_000 } : next);
        return;
      case "in a unit of work":
        await this.#writer.write(row, async (transaction) => {
          await this.#ctx.within(transaction).checkpoint(next);
          if (isWithdrawn) throw new Error("the page is withdrawn");
        });
        return;
      default:
        await this.#ctx.transaction(async (tx) => {
          const insert = () => tx.db.insert(pageTable as never).values(row);
          const isFirst = this.#chances.has(0.5);
          if (isFirst) await insert();
          await tx.checkpoint(next);
          if (!isFirst) await insert();
          if (isWithdrawn) throw new Error("the page is withdrawn");
        });
    }
  }
}

function describe(event: SubjectEvent): string {
  switch (event.type) {
    case "discovered":
      return `discovered ${event.subjects} feeds`;
    case "claimed":
      return `${event.subjectKey} claimed, attempt ${event.attempt}, lost ${event.consecutiveTimeouts}`;
    case "checkpointed":
      return `${event.subjectKey} checkpointed at ${JSON.stringify(event.cursor)}`;
    case "failed":
      return `${event.subjectKey} failed (${event.failureCount}): ${String(event.error)}`;
    case "fenced":
      return `${event.subjectKey} fenced: ${event.error.code}`;
    default:
      return `${event.subjectKey} ${event.type}`;
  }
}
