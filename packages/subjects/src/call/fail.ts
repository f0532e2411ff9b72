import { type PullDue, type PullFence, type PullMove, pullMoves, type PullProgress } from "@sherd/core";
import { invalidRequest } from "../errors.ts";
import type { Subject } from "../subject.ts";
import type { SubjectResult } from "./calls.ts";
import {
  encodeProgress,
  fenceOf,
  requireDelay,
  requireFailure,
  requireFields,
  requireList,
} from "./check.ts";
import { completionFields, requireDue } from "./complete.ts";
import { describeFailure, dueAfterFailure } from "./failure.ts";
import { moveAll, moveOne } from "./move.ts";
import type { CallPlace, PoolPlace } from "./place.ts";
import type { Failure, OfPool, SubjectFailure } from "./requests.ts";

type AnyFailure = Failure<unknown, unknown>;

interface Checked {
  readonly fence: PullFence;
  readonly progress: PullProgress;
  readonly error: SubjectFailure | Error;
  /** Null when the pool's schedule says. */
  readonly due: PullDue | null;
}

const most = 1_000;
export const failureFields = [...completionFields, "error", "retryAfterMs"];

export async function failSubject(
  place: CallPlace,
  { dispatcherId, ...one }: OfPool<string> & AnyFailure,
): Promise<Subject<never, never>> {
  const call = "fail";
  const pool = place.poolOf(call, dispatcherId);
  const [move] = await movesOf(place, pool, [await check(call, pool, one)]);
  return moveOne(place, call, pool, move as PullMove);
}

export async function failSubjects(
  place: CallPlace,
  { dispatcherId, subjects }: OfPool<string> & { readonly subjects: readonly AnyFailure[] },
): Promise<readonly SubjectResult<Subject<never, never>>[]> {
  const call = "failSubjects";
  const pool = place.poolOf(call, dispatcherId);
  const checked = requireList(call, subjects, most).map((one) => check(call, pool, one));
  return moveAll(place, "fail", pool, await movesOf(place, pool, await Promise.all(checked)));
}

async function check(call: string, { pool }: PoolPlace, one: AnyFailure): Promise<Checked> {
  requireFields(call, one, failureFields);
  return {
    fence: fenceOf(call, one),
    progress: await encodeProgress(call, pool, one),
    error: requireFailure(call, one.error),
    due: hintOf(call, one),
  };
}

function hintOf(call: string, { nextDueAt, retryAfterMs }: AnyFailure): PullDue | null {
  if (nextDueAt !== undefined && retryAfterMs !== undefined)
    throw invalidRequest(call, "retryAfterMs", retryAfterMs, "absent beside nextDueAt: one of both");
  if (retryAfterMs !== undefined) return { kind: "in", ms: requireDelay(call, retryAfterMs) };
  return nextDueAt === undefined ? null : requireDue(call, nextDueAt);
}

/** The schedule needs to know how often each failed before. That may change meanwhile, but then so does its revision. */
async function movesOf(
  place: CallPlace,
  { queue, pool }: PoolPlace,
  checked: readonly Checked[],
): Promise<readonly PullMove[]> {
  const { clock, random } = place.internals;
  const keys = checked.filter(({ due }) => due === null).map(({ fence }) => fence.key);
  const items = keys.length === 0 ? [] : await place.run(queue, (pull, tx) => pull.find(queue, keys, tx));
  const failures = new Map(items.flatMap((item) => (item === null ? [] : [[item.key, item.failures]])));
  return checked.map(({ fence, progress, error, due }) => {
    const next = due ?? dueAfterFailure(pool.retry, failures.get(fence.key) ?? 0, error, random());
    return pullMoves.fail(fence, progress, describeFailure(error, clock.now()), next);
  });
}
