import { type PulledItem, type PulledMove, type PullMove, SherdError } from "@sherd/core";

/** The error for a call that is not what it should be. Nothing was written. */
export function invalidRequest(
  call: string,
  field: string,
  received: unknown,
  expected: string,
): SherdError<"INVALID_REQUEST"> {
  return new SherdError(
    "INVALID_REQUEST",
    `Cannot ${call}: \`${field}\` must be ${expected}, but is ${display(received)}. Nothing was changed.`,
    { call, field, received },
  );
}

function display(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "an invalid Date" : value.toISOString();
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/** Which holder's call on which subject. */
export interface AboutCall {
  readonly call: string;
  readonly dispatcherId: string;
}

/** The error for a move that was refused; null for one that was accepted. */
export function refusalOf(
  { call, dispatcherId }: AboutCall,
  { key: subjectKey, revision }: Pick<PullMove, "key" | "revision">,
  { result, item }: PulledMove,
): SherdError | null {
  if (result === "moved") return null;
  if (item === null) return subjectNotFound({ call, dispatcherId }, subjectKey);
  const about = { dispatcherId, subjectKey };
  const currentRevision = item.revision;
  const cannot = `Cannot ${call} subject "${subjectKey}" of "${dispatcherId}"`;
  switch (result) {
    case "expired":
      return new SherdError(
        "LEASE_EXPIRED",
        `${cannot}: its lease expired at ${time(item.leaseExpiresAt)}. Nobody has taken over yet, so it can still be ` +
          `completed or failed at revision ${currentRevision}; claim with a longer leaseMs, or checkpoint more often.`,
        { ...about, currentRevision },
      );
    case "idle":
      return new SherdError(
        "NOT_LEASED",
        `${cannot}: nobody holds it, it is ${item.phase} at revision ${currentRevision}. Claim it first.`,
        { ...about, currentRevision, status: item.phase },
      );
    default:
      return new SherdError(
        "REVISION_CONFLICT",
        `${cannot} at revision ${revision}: it is at ${currentRevision} by now, ${stateOf(item)}. Stop working on it; ` +
          `whoever holds the current revision goes on.`,
        { ...about, revision, currentRevision },
      );
  }
}

export function subjectNotFound(
  { call, dispatcherId }: AboutCall,
  subjectKey: string,
): SherdError<"SUBJECT_NOT_FOUND"> {
  return new SherdError(
    "SUBJECT_NOT_FOUND",
    `Cannot ${call} subject "${subjectKey}" of "${dispatcherId}": there is none in this profile. Sync it first; it may have been deleted.`,
    { dispatcherId, subjectKey },
  );
}

/** Why a run of `runSubjects` was stopped: the reasons that a handler finds on its signal. */
export const stopReasons = {
  timeout: ({ dispatcherId, subjectKey, timeoutMs }: AboutRun & { readonly timeoutMs: number }) =>
    new SherdError(
      "SUBJECT_TIMEOUT",
      `Subject "${subjectKey}" of "${dispatcherId}" was worked on for longer than ${timeoutMs} ms and counts as failed. ` +
        `Pass ctx.signal on so that the work stops, do less in one run, or raise timeoutMs.`,
      { dispatcherId, subjectKey, timeoutMs },
    ),
  discoveryTimeout: ({ dispatcherId, subjectKey, timeoutMs }: AboutRun & { readonly timeoutMs: number }) =>
    new SherdError(
      "SUBJECT_TIMEOUT",
      `Discovering the subjects of "${dispatcherId}" took longer than ${timeoutMs} ms and counts as failed. Pass the signal on so ` +
        `that the work stops, or raise timeoutMs.`,
      { dispatcherId, subjectKey, timeoutMs },
    ),
  leaseLost: ({ dispatcherId, subjectKey }: AboutRun) =>
    new SherdError(
      "LEASE_LOST",
      `Subject "${subjectKey}" of "${dispatcherId}" was taken over or deleted: what this run does changes nothing any more.`,
      { id: subjectKey },
    ),
  interrupted: ({ dispatcherId, subjectKey }: AboutRun) =>
    new SherdError(
      "INTERRUPTED",
      `The run of subject "${subjectKey}" of "${dispatcherId}" was interrupted because its processor stops. It is given back.`,
      { id: subjectKey },
    ),
};

interface AboutRun {
  readonly dispatcherId: string;
  readonly subjectKey: string;
}

function stateOf({ phase, owner }: PulledItem): string {
  return owner === null ? phase : `${phase} and held by "${owner}"`;
}

function time(at: number | null): string {
  return at === null ? "some time ago" : new Date(at).toISOString();
}
