import { uuidv7 } from "uuidv7";
import { SherdError } from "../errors.ts";
import type { FragmentInternals } from "../fragment/internals.ts";
import type { NewItem } from "../kernel/item.ts";
import { invalidOption } from "../options/invalid-option.ts";
import { requireBoolean, requireInteger, requireKnown, requireText } from "../options/require-option.ts";
import { longestDelayMs, requirePolicy, type StoredRetry } from "../retry/policy.ts";
import { formatRetry } from "../retry/stored-retry.ts";
import { encodeJson } from "../json/json.ts";
import { parsePayload } from "./payload.ts";
import { TriggerJson } from "./trigger-json.ts";
import type { TriggerOptions } from "./trigger.ts";

/** A checked trigger: its row, and the part of the check that takes a promise, if any. */
export interface Trigger {
  readonly item: NewItem;
  readonly validated: Promise<unknown> | null;
}

const optionNames = [
  "processAt",
  "priority",
  "key",
  "onConflict",
  "concurrencyKey",
  "releaseKeyOnRetry",
  "retry",
  "timeoutMs",
  "trace",
] as const satisfies readonly (keyof TriggerOptions)[];

/** Check a trigger and make its row. Fails with the errors that `triggerHook` lists. */
export function newTrigger(
  { namespace, queue, hooks, settings }: FragmentInternals,
  name: string,
  payload: unknown,
  options: TriggerOptions,
): Trigger {
  const hook = hooks.get(name);
  if (hook === undefined) throw unknownHook(namespace, name, [...hooks.keys()]);
  requireKnown("trigger", options, optionNames);
  const maxBytes = settings.maxPayloadBytes;
  const { text, value } = encodeJson(payload ?? null, maxBytes, new TriggerJson(name, "payload"));
  const parsed = parsePayload(name, hook.input, value);
  // Whoever flushes hears of a refusal; until then, or if nobody ever does, it must not count as unhandled.
  if (parsed instanceof Promise) parsed.catch(() => {});
  const retry = options.retry === undefined ? (hook.retry ?? settings.retry) : requireStored(options.retry);
  const item: NewItem = {
    id: uuidv7(),
    queue,
    name,
    key: options.key === undefined ? null : requireText("trigger.key", options.key, 500),
    onConflict: onConflict(options.onConflict),
    dueAt: dueAt(options.processAt),
    priority: requireInteger("trigger.priority", options.priority ?? 0, -2_147_483_648, 2_147_483_647),
    concurrencyKey:
      options.concurrencyKey === undefined
        ? null
        : requireText("trigger.concurrencyKey", options.concurrencyKey, 500),
    releaseKeyOnRetry: requireBoolean("trigger.releaseKeyOnRetry", options.releaseKeyOnRetry ?? false),
    retry: formatRetry(retry),
    maxAttempts: retry.maxAttempts,
    timeoutMs:
      options.timeoutMs === undefined
        ? null
        : requireInteger("trigger.timeoutMs", options.timeoutMs, 1, longestDelayMs),
    body: text,
    trace:
      options.trace === undefined
        ? null
        : encodeJson(options.trace, maxBytes, new TriggerJson(name, "trace")).text,
  };
  return { item, validated: parsed instanceof Promise ? parsed : null };
}

function requireStored(retry: StoredRetry): StoredRetry {
  if ((retry.kind as string) !== "custom") return requirePolicy("trigger.retry", retry);
  throw invalidOption(
    "trigger.retry",
    "custom",
    "a policy that can be stored: exponential, fixed or noRetry",
  );
}

function onConflict(value: TriggerOptions["onConflict"] = "ignore"): NewItem["onConflict"] {
  if (["ignore", "replace", "error"].includes(value)) return value;
  throw invalidOption("trigger.onConflict", value, "ignore, replace or error");
}

function dueAt(processAt: Date | undefined): number | null {
  if (processAt === undefined) return null;
  if (processAt instanceof Date && !Number.isNaN(processAt.getTime())) return processAt.getTime();
  throw invalidOption("trigger.processAt", processAt, "a valid Date");
}

function unknownHook(namespace: string, hook: string, known: readonly string[]): SherdError<"UNKNOWN_HOOK"> {
  return new SherdError(
    "UNKNOWN_HOOK",
    `Cannot trigger "${hook}": fragment "${namespace}" has no such hook; it has ${known.join(", ") || "none"}.`,
    { namespace, hook, known },
  );
}
