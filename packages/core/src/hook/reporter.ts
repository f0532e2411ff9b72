import type { ErrorContext, HookEvent, StuckHook } from "./events.ts";
import type { HookSettings } from "./options.ts";

/** Tells a user's callbacks what happened. What they throw is theirs and stops nothing. */
export interface Reporter {
  /** False when nobody listens, so that events need not be made. */
  readonly isListening: boolean;
  event(event: HookEvent): void;
  error(error: unknown, during: ErrorContext["during"]): void;
  stuck(events: readonly StuckHook[]): void;
}

export function reporter(
  namespace: string,
  settings: HookSettings,
  onError: ((error: unknown, context: ErrorContext) => void) | null,
): Reporter {
  const { onEvent, onStuckProcessingHooks, stuckAfterMs } = settings;
  const error = (raised: unknown, during: ErrorContext["during"]) => {
    try {
      onError?.(raised, { namespace, during });
    } catch {
      // The error handler itself failed, and there is nobody else to tell.
    }
  };
  const guarded =
    <Value>(callback: ((value: Value) => void) | null) =>
    (value: Value) => {
      try {
        callback?.(value);
      } catch (raised) {
        error(raised, "callback");
      }
    };
  const stuck = guarded(onStuckProcessingHooks);
  return {
    isListening: onEvent !== null,
    event: guarded(onEvent),
    error,
    stuck(events) {
      if (events.length === 0) return;
      stuck({ namespace, timeoutMinutes: stuckAfterMs === null ? null : stuckAfterMs / 60_000, events });
    },
  };
}
