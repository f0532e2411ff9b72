import type { FragmentInternals } from "../fragment/internals.ts";
import type { HookEvent } from "../hook/events.ts";
import type { Settlement, SettleResult } from "../kernel/item.ts";
import { attemptOf } from "../kernel/transition.ts";
import type { Attempt } from "./attempt.ts";
import { leaseLost } from "./interruption.ts";

/** What there is to tell once the database has answered for an attempt. */
export function settledEvent(
  { namespace, settings }: FragmentInternals,
  { item, startedAt }: Attempt,
  settlement: Settlement,
  error: unknown,
  result: SettleResult,
  owner: string,
): HookEvent {
  const about = { namespace, id: item.id, name: item.name };
  const attempt = attemptOf(item);
  const durationMs = settings.clock.elapsed() - startedAt;
  if (result === "lost") return { type: "fenced", ...about, attempt, error: leaseLost(item.id) };
  if (result === "cancelled") return { type: "cancelled", ...about, attempt };
  if (settlement.outcome === "completed") return { type: "completed", ...about, attempt, durationMs };
  if (settlement.lost) {
    const end = settlement.outcome === "failed" && result === "settled" ? "failed" : "ready";
    return { type: "lost", ...about, owner, lost: item.lost + 1, end };
  }
  if (!settlement.failed) return { type: "given-back", ...about, attempt };
  const isFinal = settlement.outcome === "failed" && result === "settled";
  const retryInMs = isFinal ? null : (settlement.delayMs ?? 0);
  return { type: "failed", ...about, attempt, error, retryInMs, durationMs };
}
