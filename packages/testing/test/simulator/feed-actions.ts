import type { Random, Violation } from "@sherd/testing/simulator";
import { eq } from "drizzle-orm";
import { discovered, dispatcherId, type Feed, newPage, type openFeeds, pageTable } from "./feeds.ts";

type Feeds = ReturnType<typeof openFeeds>;
type Action = (feeds: Feeds, random: Random) => Promise<unknown>;

/** A page that no feed comes to. */
const farPage = 1_000_000;
const others = ["feed 5", "feed 6"];
const metaOf = (subjectKey: string): Feed["meta"] =>
  discovered.find((one) => one.subjectKey === subjectKey)?.meta ?? { keeps: "together" };
const keys = [...discovered.map(({ subjectKey }) => subjectKey), ...others];

/** What users do to the feeds, beside the processes that read them. */
export const feedActions = {
  "adds feeds": ({ byHand }, random) =>
    byHand.syncSubjects({
      dispatcherId,
      mode: random.pick(["upsert", "create-only"]),
      subjects: others.map((subjectKey) => ({ subjectKey, meta: metaOf(subjectKey) })),
    }),
  "has a feed read now": (feeds, random) => setDue(feeds, random.pick(keys), new Date(0)),
  "parks a feed": (feeds, random) => setDue(feeds, random.pick(keys), null),
  "moves a feed on and changes its mind": ({ byHand }, random) =>
    byHand.transaction(async (tx) => {
      const subjects = [
        { subjectKey: random.pick(keys), cursor: { page: farPage } },
        { subjectKey: "withdrawn" },
      ];
      await tx.syncSubjects({ dispatcherId, subjects });
      throw new Error("the feeds are withdrawn");
    }),
  "looks at the feeds": async ({ byHand }, random) => {
    await byHand.listSubjects({ dispatcherId, limit: 3 });
    await byHand.getSubject({ dispatcherId, subjectKey: random.pick(keys) });
  },
  "removes a feed and its pages": ({ byHand }, random) =>
    byHand.transaction(async (tx) => {
      const subjectKey = random.pick(keys);
      await tx.deleteSubject({ dispatcherId, subjectKey });
      await tx.db.delete(pageTable as never).where(eq(pageTable.feed, subjectKey));
    }),
  "starts a feed anew": ({ byHand }, random) =>
    byHand.transaction(async (tx) => {
      const subjectKey = random.pick(keys);
      await tx.deleteSubject({ dispatcherId, subjectKey });
      await tx.db.delete(pageTable as never).where(eq(pageTable.feed, subjectKey));
      await tx.syncSubjects({ dispatcherId, subjects: [{ subjectKey, meta: metaOf(subjectKey) }] });
    }),
  "reads feeds by hand": readByHand,
  "reads many feeds by hand": async ({ byHand, sleep }, random) => {
    const claimed = await byHand.claimDueSubjects({ dispatcherId, leaseMs: 1_000 });
    await sleep(random.between(0, 1_500));
    const nextDueAt = random.chance(0.5) ? new Date(0) : null;
    const subjects = claimed.map(({ subjectKey, revision }) => ({ subjectKey, revision }));
    if (random.chance(0.5)) {
      await byHand.completeSubjects({
        dispatcherId,
        subjects: subjects.map((one) => ({ ...one, nextDueAt })),
      });
      return;
    }
    const error = new Error("nobody has time for them");
    await byHand.failSubjects({ dispatcherId, subjects: subjects.map((one) => ({ ...one, error })) });
  },
} satisfies Record<string, Action>;

/** Its meta is told, too: this may be what makes it. */
function setDue({ byHand }: Feeds, subjectKey: string, nextDueAt: Date | null): Promise<unknown> {
  return byHand.syncSubjects({
    dispatcherId,
    subjects: [{ subjectKey, meta: metaOf(subjectKey), nextDueAt }],
  });
}

async function readByHand({ byHand, sleep }: Feeds, random: Random): Promise<void> {
  const claimed = await byHand.claimDueSubjects({ dispatcherId, leaseMs: 1_000, limit: 2 });
  for (const feed of claimed) {
    if (random.chance(0.4)) await sleep(random.between(1, 2_500));
    const { subjectKey, revision, cursor } = feed;
    const row = newPage(subjectKey, (cursor?.page ?? 0) + 1);
    const held = { dispatcherId, subjectKey, revision } as const;
    const next = { ...held, cursor: { page: row.number } };
    const how = random.pick(["completes", "checkpoints", "releases", "fails", "leaves"]);
    if (how === "releases") await byHand.releaseSubject(held);
    if (how === "fails") await byHand.failSubject({ ...held, error: new Error("it looks wrong") });
    if (how !== "completes" && how !== "checkpoints") continue;
    const kept = await byHand.transaction(async (tx): Promise<Feed> => {
      await tx.db.insert(pageTable as never).values(row);
      return how === "completes" ? tx.completeSubject(next) : tx.checkpointSubject(next);
    });
    if (how === "checkpoints" && random.chance(0.8))
      await byHand.completeSubject({ ...held, revision: kept.revision });
  }
}

interface Page {
  readonly feed: string;
  readonly number: number;
}

/** Each feed's pages are those up to its cursor, none twice; where they are written first, there may be more of them. */
export async function checkFeeds({ byHand }: Feeds, pages: readonly Page[]): Promise<readonly Violation[]> {
  const { subjects } = await byHand.listSubjects({ dispatcherId });
  const wrong: string[] = [];
  for (const { subjectKey, cursor, meta } of subjects) {
    const page = cursor?.page ?? 0;
    const numbers = pages.filter(({ feed }) => feed === subjectKey).map(({ number }) => number);
    const expected = Array.from({ length: page }, (_, index) => index + 1);
    const isRight =
      meta?.keeps === "one after the other"
        ? expected.every((number) => numbers.includes(number))
        : numbers.toSorted((one, other) => one - other).join() === expected.join();
    if (!isRight)
      wrong.push(
        `${subjectKey} is at page ${page} (${JSON.stringify(meta)}), and there are ${numbers.join(", ") || "none"}`,
      );
  }
  return wrong.map((what) => ({ invariant: "a cursor and the data it stands for agree", what }));
}
