import type { SubjectInternals } from "../internals.ts";
import type { Pool } from "../pool.ts";
import type { SubjectCalls } from "./calls.ts";
import { claimDueSubjects } from "./claim.ts";
import { completeSubject, completeSubjects } from "./complete.ts";
import { failSubject, failSubjects } from "./fail.ts";
import { checkpointSubject, releaseSubject } from "./hold.ts";
import { CallPlace } from "./place.ts";
import { deleteSubject, getSubject, listSubjects } from "./read.ts";
import type { CallScope } from "./scope.ts";
import { syncSubjects } from "./sync.ts";

/** The calls of one profile in one scope. */
export function subjectCalls(
  internals: SubjectInternals,
  scope: CallScope,
): SubjectCalls<Record<string, Pool>> {
  const place = new CallPlace(internals, scope);
  return {
    syncSubjects: (request) => syncSubjects(place, request),
    claimDueSubjects: (request) => claimDueSubjects(place, request),
    checkpointSubject: (request) => checkpointSubject(place, request),
    completeSubject: (request) => completeSubject(place, request),
    completeSubjects: (request) => completeSubjects(place, request),
    failSubject: (request) => failSubject(place, request),
    failSubjects: (request) => failSubjects(place, request),
    releaseSubject: (request) => releaseSubject(place, request),
    getSubject: (request) => getSubject(place, request),
    listSubjects: (request) => listSubjects(place, request),
    deleteSubject: (request) => deleteSubject(place, request),
  };
}
