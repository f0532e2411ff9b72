import type { PulledItem, PulledMove, PullMove } from "@sherd/core";
import { refusalOf } from "../errors.ts";
import { type Subject, toSubject } from "../subject.ts";
import type { SubjectResult } from "./calls.ts";
import { requireUnique } from "./check.ts";
import type { CallPlace, PoolPlace } from "./place.ts";

type AnySubject = Subject<never, never>;

/** Make one move for a holder, or fail with why it was refused. */
export async function moveOne(
  place: CallPlace,
  call: string,
  { queue, dispatcherId }: PoolPlace,
  one: PullMove,
): Promise<AnySubject> {
  const [answer] = (await place.move(queue, [one])) as [PulledMove];
  const refusal = refusalOf({ call, dispatcherId }, one, answer);
  if (refusal !== null) throw refusal;
  return toSubject(dispatcherId, answer.item as PulledItem);
}

/** Make moves for holders; each has an answer of its own. */
export async function moveAll(
  place: CallPlace,
  call: string,
  { queue, dispatcherId }: PoolPlace,
  moves: readonly PullMove[],
): Promise<readonly SubjectResult<AnySubject>[]> {
  requireUnique(
    call,
    moves.map(({ key }) => key),
  );
  const answers = await place.move(queue, moves);
  return moves.map((one, index) => {
    const answer = answers[index] as PulledMove;
    const error = refusalOf({ call, dispatcherId }, one, answer);
    const subjectKey = one.key;
    return error === null
      ? { subjectKey, ok: true, subject: toSubject(dispatcherId, answer.item as PulledItem) }
      : { subjectKey, ok: false, error };
  });
}
