import { newId, type PullDraft } from "@sherd/core";
import { invalidRequest } from "../errors.ts";
import type { Pool, Pools } from "../pool.ts";
import { type Subject, toSubject } from "../subject.ts";
import {
  encodeProgress,
  requireFields,
  requireKey,
  requireList,
  requireMoment,
  requireUnique,
} from "./check.ts";
import type { CallPlace } from "./place.ts";
import type { SubjectDraft, SyncSubjects } from "./requests.ts";

const most = 10_000;

export async function syncSubjects(
  place: CallPlace,
  { dispatcherId, subjects, mode = "upsert" }: SyncSubjects<Pools, string>,
): Promise<readonly Subject<never, never>[]> {
  const call = "syncSubjects";
  const { queue, pool } = place.poolOf(call, dispatcherId);
  if (mode !== "upsert" && mode !== "create-only")
    throw invalidRequest(call, "mode", mode, "upsert or create-only");
  const drafts = await draftsOf(call, pool, place.internals.random, requireList(call, subjects, most));
  const waits = drafts.flatMap(({ dueAt }) => (dueAt === null ? [] : [place.waitMs(dueAt ?? 0)]));
  const items = await place.run(
    queue,
    (pull, tx) => pull.put(queue, drafts, mode === "upsert", tx),
    waits.length === 0 ? null : Math.min(...waits),
  );
  return items.map((item) => toSubject(dispatcherId, item));
}

/** Check what is told of subjects, no key twice. */
export async function draftsOf(
  call: string,
  pool: Pool,
  random: () => number,
  subjects: readonly SubjectDraft<unknown, unknown>[],
): Promise<readonly PullDraft[]> {
  const drafts = await Promise.all(subjects.map((subject) => draftOf(call, pool, random, subject)));
  requireUnique(
    call,
    drafts.map(({ key }) => key),
  );
  return drafts;
}

async function draftOf(
  call: string,
  pool: Pool,
  random: () => number,
  subject: SubjectDraft<unknown, unknown>,
): Promise<PullDraft> {
  requireFields(call, subject, ["subjectKey", "cursor", "meta", "nextDueAt"]);
  const { subjectKey, nextDueAt } = subject;
  return {
    id: newId(),
    key: requireKey(call, subjectKey),
    revision: firstRevision(random),
    ...(await encodeProgress(call, pool, subject)),
    ...(nextDueAt === undefined ? {} : { dueAt: requireMoment(call, nextDueAt) }),
  };
}

/** At random: whoever still holds a subject of this key that was deleted must not pass for a holder of the new one. */
export function firstRevision(random: () => number): number {
  return Math.floor(random() * 2 ** 30);
}
