import type { Clock } from "../clock/clock.ts";
import { systemClock } from "../clock/clock.ts";
import { invalidOption } from "../options/invalid-option.ts";
import { optionalFunction, requireInteger, requireKnown, requireText } from "../options/require-option.ts";
import { exponential, requirePolicy, type RetryPolicy } from "../retry/policy.ts";
import type { HookEvent, StuckProcessingHooks } from "./events.ts";

/** How long finished hooks are kept, in milliseconds; null keeps them until they are pruned by hand. */
export interface HookRetention {
  /** Default: 3 days. */
  readonly completedMs?: number | null;
  /** Default: 3 days. */
  readonly cancelledMs?: number | null;
  /** Default: 90 days. */
  readonly failedMs?: number | null;
}

export interface DurableHooksOptions {
  /** How many handlers one processor runs at a time. Default: 100. */
  readonly concurrency?: number;
  /** How long a worker that has died keeps its hooks from others, in milliseconds. Renewed at a third. Default: 60,000. */
  readonly leaseMs?: number;
  /** The longest one attempt may hold its hook; false is for ever, while its process lives. Default: 10. */
  readonly stuckProcessingTimeoutMinutes?: number | false;
  /** Hears of attempts that were stuck and of leases that expired because a worker died. */
  readonly onStuckProcessingHooks?: (stuck: StuckProcessingHooks) => void;
  /** After so many losses a hook ends as failed: it probably kills its process. Default: 3. */
  readonly maxLost?: number;
  /** The policy of hooks that name none. Default: `exponential()`. */
  readonly retry?: RetryPolicy;
  /** The largest payload, in bytes of UTF-8 as JSON. Default: 262,144. */
  readonly maxPayloadBytes?: number;
  readonly retention?: HookRetention;
  /** Hears of what happens to hooks. Called synchronously, so be quick. */
  readonly onEvent?: (event: HookEvent) => void;
  /** Who holds the leases, for operators. Default: a random name a processor. */
  readonly owner?: string;
  /** Seams for tests. */
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** The same with every default filled in. */
export interface HookSettings {
  readonly concurrency: number;
  readonly leaseMs: number;
  readonly stuckAfterMs: number | null;
  readonly onStuckProcessingHooks: ((stuck: StuckProcessingHooks) => void) | null;
  readonly maxLost: number;
  readonly retry: RetryPolicy;
  readonly maxPayloadBytes: number;
  readonly retention: Readonly<Record<"completed" | "cancelled" | "failed", number | null>>;
  readonly onEvent: ((event: HookEvent) => void) | null;
  readonly owner: string | null;
  readonly clock: Clock;
  readonly random: () => number;
}

const dayMs = 86_400_000;
const names = [
  "concurrency",
  "leaseMs",
  "stuckProcessingTimeoutMinutes",
  "onStuckProcessingHooks",
  "maxLost",
  "retry",
  "maxPayloadBytes",
  "retention",
  "onEvent",
  "owner",
  "clock",
  "random",
] as const satisfies readonly (keyof DurableHooksOptions)[];

/** Check the options and fill in the defaults. Fails with `INVALID_OPTION`. */
export function hookSettings(options: DurableHooksOptions = {}): HookSettings {
  requireKnown("durableHooks", options, names);
  const retention = options.retention ?? {};
  requireKnown("durableHooks.retention", retention, ["completedMs", "cancelledMs", "failedMs"]);
  return {
    concurrency: requireInteger("durableHooks.concurrency", options.concurrency ?? 100, 1, 10_000),
    leaseMs: requireInteger("durableHooks.leaseMs", options.leaseMs ?? 60_000, 100, dayMs),
    stuckAfterMs: stuckAfterMs(options.stuckProcessingTimeoutMinutes ?? 10),
    onStuckProcessingHooks: optionalFunction(
      "durableHooks.onStuckProcessingHooks",
      options.onStuckProcessingHooks,
    ),
    maxLost: requireInteger("durableHooks.maxLost", options.maxLost ?? 3, 1, 1_000_000),
    retry: requirePolicy("durableHooks.retry", options.retry ?? exponential()),
    maxPayloadBytes: requireInteger("durableHooks.maxPayloadBytes", options.maxPayloadBytes ?? 262_144, 2),
    retention: {
      completed: retentionMs("completedMs", retention.completedMs, 3 * dayMs),
      cancelled: retentionMs("cancelledMs", retention.cancelledMs, 3 * dayMs),
      failed: retentionMs("failedMs", retention.failedMs, 90 * dayMs),
    },
    onEvent: optionalFunction("durableHooks.onEvent", options.onEvent),
    owner: options.owner === undefined ? null : requireText("durableHooks.owner", options.owner, 200),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}

function stuckAfterMs(minutes: number | false): number | null {
  if (minutes === false) return null;
  if (Number.isFinite(minutes) && minutes > 0) return minutes * 60_000;
  throw invalidOption(
    "durableHooks.stuckProcessingTimeoutMinutes",
    minutes,
    "a number of minutes above 0, or false",
  );
}

function retentionMs(name: string, value: number | null | undefined, fallback: number): number | null {
  if (value === undefined) return fallback;
  return value === null ? null : requireInteger(`durableHooks.retention.${name}`, value, 0);
}
