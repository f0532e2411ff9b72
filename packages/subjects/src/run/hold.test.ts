import {
  type PulledItem,
  type PulledMove,
  type PullFence,
  pullMoves,
  SherdError,
  type Transaction,
} from "@sherd/core";
import { describe, expect, it } from "vitest";
import { Hold } from "./hold.ts";

const tx = {} as Transaction;
const never = { kind: "never" } as const;
const complete = (fence: PullFence) => pullMoves.complete(fence, {}, never);
const checkpoint = (fence: PullFence) => pullMoves.checkpoint(fence, {}, null);
const unavailable = () => new SherdError("DATABASE_UNAVAILABLE", "gone", { verb: "move" });

/** A hold at revision 5, and what it sent. `answers` are given in turn. */
function holdWith(...answers: (PulledMove | Error)[]) {
  const sent: number[] = [];
  const hold = new Hold(item(5), async ({ revision }) => {
    sent.push(revision);
    const answer = answers.shift() ?? new Error("nothing more was expected");
    if (answer instanceof Error) throw answer;
    return answer;
  });
  return { hold, sent };
}

function item(revision: number, of: Partial<PulledItem> = {}): PulledItem {
  return { key: "a", revision, lease: "mine", phase: "running", ...of } as PulledItem;
}

const moved = (revision: number, of: Partial<PulledItem> = {}): PulledMove => ({
  result: "moved",
  item: item(revision, of),
});
const conflict = (revision: number, of: Partial<PulledItem> = {}): PulledMove => ({
  result: "conflict",
  item: item(revision, of),
});
const again = async () => true;

describe("a hold", () => {
  it("makes each call at the revision that the one before answered, one after the other", async () => {
    const { hold, sent } = holdWith(moved(6), moved(7), moved(8));
    await Promise.all([hold.move(checkpoint), hold.move(checkpoint), hold.move(complete)]);
    expect(sent).toEqual([5, 6, 7]);
  });

  it("never uses the revision of a transaction that it does not know to have committed", async () => {
    // It was rolled back, and somebody else took the subject over at the very revision that it had there.
    const theirs = { lease: "theirs" };
    const { hold, sent } = holdWith(moved(6), conflict(6, theirs));
    await hold.move(checkpoint, tx);
    expect(await hold.move(complete)).toEqual(conflict(6, theirs));
    expect(sent).toEqual([5, 5]);
  });

  it("goes on from a transaction that has committed, known or not", async () => {
    const known = holdWith(moved(6), moved(7));
    await known.hold.move(checkpoint, tx);
    known.hold.commit(known.hold.item);
    await known.hold.move(complete);
    expect(known.sent).toEqual([5, 6]);
    const unknown = holdWith(moved(6), conflict(6), moved(7));
    await unknown.hold.move(checkpoint, tx);
    expect(await unknown.hold.move(complete)).toEqual(moved(7));
    expect(unknown.sent).toEqual([5, 5, 6]);
  });

  it("shows the subject as it was after a transaction that did not commit", async () => {
    const { hold } = holdWith(moved(6));
    await hold.move(checkpoint, tx);
    expect(hold.item.revision).toBe(6);
    hold.rollBack();
    expect(hold.item.revision).toBe(5);
  });

  it("refuses a transaction after one that has committed unheard, and goes on from there", async () => {
    const { hold, sent } = holdWith(moved(6), conflict(6, { memo: "1" }), moved(7));
    await hold.move(checkpoint, tx);
    hold.rollBack();
    expect(await hold.move(checkpoint, tx)).toEqual(conflict(6, { memo: "1" }));
    hold.rollBack();
    expect(hold.item).toMatchObject({ revision: 6, memo: "1" });
    expect(await hold.move(checkpoint, tx)).toEqual(moved(7));
    expect(sent).toEqual([5, 5, 6]);
  });

  it("is not let go of by a call that failed before it", async () => {
    const { hold, sent } = holdWith(unavailable(), moved(6));
    await expect(hold.move(checkpoint)).rejects.toThrow("gone");
    expect(await hold.move(checkpoint)).toEqual(moved(6));
    expect(sent).toEqual([5, 5]);
  });

  it("does not insist where somebody else has the subject", async () => {
    for (const lease of ["theirs", null]) {
      const { hold, sent } = holdWith(conflict(7, { lease }));
      expect(await hold.move(complete)).toEqual(conflict(7, { lease }));
      expect(sent).toEqual([5]);
    }
  });

  it("makes an end again until it is answered", async () => {
    const { hold, sent } = holdWith(unavailable(), unavailable(), moved(6));
    expect(await hold.end(complete, again)).toEqual(moved(6));
    expect(sent).toEqual([5, 5, 5]);
  });

  it("knows an end of its own whose answer was lost", async () => {
    const ended = { lease: null, phase: "succeeded" } as const;
    const { hold } = holdWith(unavailable(), conflict(6, ended));
    expect(await hold.end(complete, again)).toEqual({ result: "moved", item: item(6, ended) });
    const later = holdWith(conflict(6), unavailable(), conflict(7, ended));
    expect(await later.hold.end(complete, again)).toEqual({ result: "moved", item: item(7, ended) });
  });

  it.each([
    ["another revision", conflict(7, { lease: null, phase: "succeeded" })],
    ["another phase", conflict(6, { lease: null, phase: "failed" })],
    ["another holder", conflict(6, { lease: "theirs", phase: "leased" })],
  ])("takes %s for somebody else's", async (_, answer) => {
    const { hold } = holdWith(unavailable(), answer);
    expect(await hold.end(complete, again)).toEqual(answer);
  });

  it("gives up when it is of no use any more, with what failed", async () => {
    const { hold, sent } = holdWith(unavailable(), unavailable());
    let left = 1;
    await expect(hold.end(complete, async () => left-- > 0)).rejects.toThrow("gone");
    expect(sent).toEqual([5, 5]);
  });
});
