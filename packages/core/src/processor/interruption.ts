import { SherdError } from "../errors.ts";

/** Why an attempt was stopped: the reasons that a handler finds on its signal. */

export function leaseLost(id: string): SherdError<"LEASE_LOST"> {
  return new SherdError(
    "LEASE_LOST",
    `The attempt of hook ${id} no longer holds its lease, or the hook has ended: its result changes nothing. ` +
      `Another attempt may be running; this one should stop.`,
    { id },
  );
}

export function cancellation(id: string): SherdError<"CANCELLED"> {
  return new SherdError("CANCELLED", `Hook ${id} was cancelled while it ran: its result changes nothing.`, {
    id,
  });
}

export function timeout(id: string, timeoutMs: number): SherdError<"HOOK_TIMEOUT"> {
  return new SherdError(
    "HOOK_TIMEOUT",
    `The attempt of hook ${id} took longer than its timeout of ${timeoutMs} ms and counts as failed. ` +
      `Pass ctx.signal on so that it stops, or raise timeoutMs.`,
    { id, timeoutMs },
  );
}

export function stuckAttempt(id: string, stuckAfterMs: number): SherdError<"HOOK_STUCK"> {
  const timeoutMinutes = stuckAfterMs / 60_000;
  return new SherdError(
    "HOOK_STUCK",
    `The attempt of hook ${id} held it for ${timeoutMinutes} minutes, the longest that any may, and counts as lost. ` +
      `Raise durableHooks.stuckProcessingTimeoutMinutes if its handler needs longer.`,
    { id, timeoutMinutes },
  );
}

export function interruption(id: string): SherdError<"INTERRUPTED"> {
  return new SherdError(
    "INTERRUPTED",
    `The attempt of hook ${id} was interrupted because its processor stops. It was given back and uses up no attempt.`,
    { id },
  );
}
