import type { Pools } from "../pool.ts";
import { invalidRequest } from "../errors.ts";
import { type Subject, toSubject } from "../subject.ts";
import type { SubjectPage } from "./calls.ts";
import { longestKey, requireKey, requireWhole, textOr } from "./check.ts";
import type { CallPlace } from "./place.ts";
import type { ListSubjects, OfPool } from "./requests.ts";

type AnySubject = Subject<never, never>;
type OneSubject = OfPool<Extract<keyof Pools, string>> & { readonly subjectKey: string };

const statuses = ["idle", "leased", "running", "succeeded", "failed"] as const;

export async function getSubject(
  place: CallPlace,
  { dispatcherId, subjectKey }: OneSubject,
): Promise<AnySubject | null> {
  const call = "getSubject";
  const { queue } = place.poolOf(call, dispatcherId);
  const keys = [requireKey(call, subjectKey)];
  const [item = null] = await place.run(queue, (pull, tx) => pull.find(queue, keys, tx));
  return item === null ? null : toSubject(dispatcherId, item);
}

/** Reads one item more than is asked for, which tells whether there is another page. */
export async function listSubjects(
  place: CallPlace,
  { dispatcherId, status, limit = 50, cursor = null }: ListSubjects<string>,
): Promise<SubjectPage<AnySubject>> {
  const call = "listSubjects";
  const { queue } = place.poolOf(call, dispatcherId);
  if (status !== undefined && !statuses.includes(status))
    throw invalidRequest(call, "status", status, `one of ${statuses.join(", ")}`);
  requireWhole(call, "limit", limit, 1, 1_000);
  const after = cursor === null ? null : textOr(call, "cursor", cursor, longestKey);
  const page = { queue, phase: status ?? null, after, limit: limit + 1 };
  const items = await place.run(queue, (pull, tx) => pull.page(page, tx));
  const subjects = items.slice(0, limit).map((item) => toSubject(dispatcherId, item));
  return { subjects, cursor: items.length > limit ? (subjects.at(-1)?.subjectKey ?? null) : null };
}

export async function deleteSubject(
  place: CallPlace,
  { dispatcherId, subjectKey }: OneSubject,
): Promise<boolean> {
  const call = "deleteSubject";
  const { queue } = place.poolOf(call, dispatcherId);
  const keys = [requireKey(call, subjectKey)];
  return (await place.run(queue, (pull, tx) => pull.remove(queue, keys, tx))).length > 0;
}
