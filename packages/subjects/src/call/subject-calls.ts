import type { SubjectInternals } from "../internals.ts";
import type { Pool } from "../pool.ts";
import type { SubjectCalls } from "./calls.ts";
import { requireFields } from "./check.ts";
import { claimDueSubjects } from "./claim.ts";
import { completeSubject, completeSubjects, completionFields } from "./complete.ts";
import { failSubject, failSubjects, failureFields } from "./fail.ts";
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
    syncSubjects: takes("syncSubjects", ["subjects", "mode"], (request) => syncSubjects(place, request)),
    claimDueSubjects: takes("claimDueSubjects", ["leaseMs", "limit"], (request) =>
      claimDueSubjects(place, request),
    ),
    checkpointSubject: takes("checkpointSubject", [...held, ...progress, "leaseMs"], (request) =>
      checkpointSubject(place, request),
    ),
    completeSubject: takes("completeSubject", completionFields, (request) => completeSubject(place, request)),
    completeSubjects: takes("completeSubjects", ["subjects"], (request) => completeSubjects(place, request)),
    failSubject: takes("failSubject", failureFields, (request) => failSubject(place, request)),
    failSubjects: takes("failSubjects", ["subjects"], (request) => failSubjects(place, request)),
    releaseSubject: takes("releaseSubject", held, (request) => releaseSubject(place, request)),
    getSubject: takes("getSubject", ["subjectKey"], (request) => getSubject(place, request)),
    listSubjects: takes("listSubjects", ["status", "limit", "cursor"], (request) =>
      listSubjects(place, request),
    ),
    deleteSubject: takes("deleteSubject", ["subjectKey"], (request) => deleteSubject(place, request)),
  };
}

const held = ["subjectKey", "revision"];
const progress = ["cursor", "meta"];

/** A call that refuses fields which it does not know. */
function takes<Request extends object, Answer>(
  call: string,
  fields: readonly string[],
  make: (request: Request) => Promise<Answer>,
): (request: Request) => Promise<Answer> {
  return async (request) => {
    requireFields(call, request, ["dispatcherId", ...fields]);
    return make(request);
  };
}
