import type { SherdError } from "@sherd/core";

interface AboutPool {
  readonly profile: string;
  readonly dispatcherId: string;
}

interface AboutSubject extends AboutPool {
  readonly subjectKey: string;
}

/** What happens to the subjects that `runSubjects` drives, for logs, metrics and progress lines. */
export type SubjectEvent =
  /** Discovery has told which subjects there are. */
  | ({ readonly type: "discovered"; readonly subjects: number } & AboutPool)
  /** `consecutiveTimeouts` above 0: it was taken over from a run that was not heard of again. */
  | ({
      readonly type: "claimed";
      readonly attempt: number;
      readonly consecutiveTimeouts: number;
    } & AboutSubject)
  /** Its checkpoint has committed; those inside a transaction of the caller's are not told. */
  | ({ readonly type: "checkpointed"; readonly cursor: unknown } & AboutSubject)
  | ({
      readonly type: "succeeded";
      readonly durationMs: number;
      readonly nextDueAt: Date | null;
    } & AboutSubject)
  /** `nextDueAt` is null when it is parked until a sync says when. */
  | ({
      readonly type: "failed";
      readonly error: unknown;
      readonly failureCount: number;
      readonly nextDueAt: Date | null;
    } & AboutSubject)
  /** Shutdown or eviction: it is due again, and nothing was counted. */
  | ({ readonly type: "released" } & AboutSubject)
  /** The run's end changed nothing: somebody else has taken over, or the subject was deleted. */
  | ({ readonly type: "fenced"; readonly error: SherdError } & AboutSubject);

/** What a driver was doing when an error came that no caller will see. */
export interface SubjectErrorContext extends AboutPool {
  readonly during: "discover" | "claim" | "end" | "heartbeat" | "callback";
}

/** Tells a user's callbacks what happened. What they throw is theirs and stops nothing. */
export interface SubjectReporter {
  event(event: SubjectEvent): void;
  error(error: unknown, context: SubjectErrorContext): void;
}

export function subjectReporter(
  profile: string,
  onEvent: ((event: SubjectEvent) => void) | null,
  onError: ((error: unknown, context: SubjectErrorContext) => void) | null,
): SubjectReporter {
  const error = (raised: unknown, context: SubjectErrorContext) => {
    try {
      onError?.(raised, context);
    } catch {
      // The error handler itself failed, and there is nobody else to tell.
    }
  };
  return {
    error,
    event(event) {
      try {
        onEvent?.(event);
      } catch (raised) {
        error(raised, { profile, dispatcherId: event.dispatcherId, during: "callback" });
      }
    },
  };
}
