import type { AnyFragment, HookView } from "@sherd/core";
import { contains } from "./contains.ts";
import { everyHook } from "./every-hook.ts";
import type { Containing, HookInput, HookName } from "./hook-types.ts";

/** What else must be true of a hook; what is left out may be anything. */
export interface TriggeredHook extends Partial<
  Pick<HookView, "status" | "key" | "concurrencyKey" | "priority">
> {
  /** When its next attempt is due. */
  readonly dueAt?: Date | null;
}

export interface ExpectTriggeredOptions extends TriggeredHook {
  /** How many such hooks there are, exactly. Default: at least one. */
  readonly times?: number;
}

/** What runners of tests show as a failed assertion, with what there was and what was expected. */
export class HookAssertionError extends Error {
  override readonly name = "AssertionError";
  readonly actual: unknown;
  readonly expected: unknown;

  constructor(message: string, actual: unknown, expected: unknown) {
    super(message);
    this.actual = actual;
    this.expected = expected;
  }
}

/**
 * Expect a hook of this name to have been triggered by what has committed, whether it still waits or has run. Of a payload
 * that is given, the hook's has at least that; matchers such as `expect.any(String)` may stand in it. Answers the hooks that
 * fit, oldest first. Rejects with `HookAssertionError`.
 */
export async function expectTriggered<F extends AnyFragment, Name extends HookName<F>>(
  fragment: F,
  name: Name,
  payload?: Containing<HookInput<F, Name>>,
  options: ExpectTriggeredOptions = {},
): Promise<readonly HookView[]> {
  const { times, ...about } = options;
  const all = await everyHook(fragment);
  const found = all.filter((hook) => fits(hook, name, payload, about));
  if (times === undefined ? found.length > 0 : found.length === times) return found;
  const wanted = times === undefined ? "" : ` ${times} ${times === 1 ? "time" : "times"}`;
  throw new HookAssertionError(
    `Expected ${describe(name, payload, about)} to have been triggered${wanted} by "${fragment.namespace}". ` +
      (found.length > 0 ? `It was ${found.length} times. ` : "It was not. ") +
      report(all),
    all.filter((hook) => hook.name === name).map((hook) => hook.payload),
    times === undefined ? [payload] : Array(times).fill(payload),
  );
}

/** Expect the opposite. */
export async function expectNotTriggered<F extends AnyFragment, Name extends HookName<F>>(
  fragment: F,
  name: Name,
  payload?: Containing<HookInput<F, Name>>,
  about: TriggeredHook = {},
): Promise<void> {
  const found = (await everyHook(fragment)).filter((hook) => fits(hook, name, payload, about));
  if (found.length === 0) return;
  throw new HookAssertionError(
    `Expected ${describe(name, payload, about)} not to have been triggered by "${fragment.namespace}". ${report(found)}`,
    found.map((hook) => hook.payload),
    [],
  );
}

function fits(hook: HookView, name: string, payload: unknown, about: TriggeredHook): boolean {
  if (hook.name !== name || (payload !== undefined && !contains(hook.payload, payload))) return false;
  return Object.entries(about).every(([key, expected]) => {
    const actual = hook[key as keyof TriggeredHook];
    return expected === undefined || comparable(actual) === comparable(expected);
  });
}

function comparable(value: unknown): unknown {
  return value instanceof Date ? value.getTime() : value;
}

function describe(name: string, payload: unknown, about: TriggeredHook): string {
  const parts = [
    payload === undefined ? [] : [`a payload with ${shorten(payload)}`],
    Object.entries(about).map(([key, value]) => `${key} ${shorten(value)}`),
  ].flat();
  return parts.length === 0 ? `"${name}"` : `"${name}" with ${parts.join(", ")}`;
}

const mostLines = 20;

function report(hooks: readonly HookView[]): string {
  if (hooks.length === 0) return "No hook was: did the transaction commit, and on this database?";
  const lines = hooks.slice(0, mostLines).map(line);
  const rest = hooks.length > mostLines ? `\n  … and ${hooks.length - mostLines} more` : "";
  return `These were:\n${lines.join("\n")}${rest}`;
}

function line({ name, status, payload, key, dueAt }: HookView): string {
  const more = [
    key === null ? [] : [`key ${key}`],
    dueAt === null ? [] : [`due at ${dueAt.toISOString()}`],
  ].flat();
  return `  ${[`"${name}"`, `(${status})`, shorten(payload), ...more].join(" ")}`;
}

const longest = 200;

function shorten(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
