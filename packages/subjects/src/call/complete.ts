import { type PullDue, type PullMove, pullMoves } from "@sherd/core";
import type { Pool } from "../pool.ts";
import type { Subject } from "../subject.ts";
import type { SubjectResult } from "./calls.ts";
import { encodeProgress, fenceOf, requireFields, requireList, requireMoment } from "./check.ts";
import { moveAll, moveOne } from "./move.ts";
import type { CallPlace } from "./place.ts";
import type { Completion, OfPool } from "./requests.ts";

type AnyCompletion = Completion<unknown, unknown>;

const most = 1_000;
export const completionFields = ["subjectKey", "revision", "cursor", "meta", "nextDueAt"];

export async function completeSubject(
  place: CallPlace,
  { dispatcherId, ...one }: OfPool<string> & AnyCompletion,
): Promise<Subject<never, never>> {
  const call = "complete";
  const pool = place.poolOf(call, dispatcherId);
  return moveOne(place, call, pool, await moveOf(call, pool.pool, one));
}

export async function completeSubjects(
  place: CallPlace,
  { dispatcherId, subjects }: OfPool<string> & { readonly subjects: readonly AnyCompletion[] },
): Promise<readonly SubjectResult<Subject<never, never>>[]> {
  const call = "completeSubjects";
  const pool = place.poolOf(call, dispatcherId);
  const moves = requireList(call, subjects, most).map((one) => moveOf(call, pool.pool, one));
  return moveAll(place, "complete", pool, await Promise.all(moves));
}

async function moveOf(call: string, pool: Pool, one: AnyCompletion): Promise<PullMove> {
  requireFields(call, one, completionFields);
  const progress = await encodeProgress(call, pool, one);
  return pullMoves.complete(fenceOf(call, one), progress, requireDue(call, one.nextDueAt ?? null));
}

/** Null is never. */
export function requireDue(call: string, nextDueAt: Date | null): PullDue {
  const at = requireMoment(call, nextDueAt);
  return at === null ? { kind: "never" } : { kind: "at", at };
}
