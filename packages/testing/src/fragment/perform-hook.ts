import {
  type Fragment,
  type FragmentDefinition,
  type Hook,
  type HookContext,
  type HookUnitOfWork,
  invalidOption,
  SherdError,
  tableBuilder,
  type TriggerOptions,
  type UnitOfWork,
} from "@sherd/core";
import type { InputOf } from "./hook-types.ts";

type AnyUnit = UnitOfWork<unknown, Record<string, never>>;
type AnyHook = Hook<unknown, AnyUnit>;
type AnyContext = HookContext<AnyUnit, unknown>;

/** What the handler finds in its context. Left out: that of a first attempt. */
export interface PerformOptions<Config, Tables, Hooks, Services> extends Partial<
  Omit<HookContext<never, never>, "transaction">
> {
  readonly config: Config;
  /** Where `ctx.transaction` commits. Without it, calling that is `INVALID_OPTION`. */
  readonly fragment?: Fragment<Tables, Hooks, Services>;
}

type PerformArguments<Options extends { readonly config: unknown }> = Options["config"] extends void
  ? [options?: Omit<Options, "config">]
  : [options: Options];

/**
 * Run one handler by itself, with a context that you make up: nothing is stored, retried or fenced. Rejects with what the
 * handler throws, and with `PAYLOAD_INVALID`.
 */
export async function performHook<Config, Tables, Hooks, Services, Name extends keyof Hooks & string>(
  definition: FragmentDefinition<Config, Tables, Hooks, Services>,
  name: Name,
  payload: InputOf<Hooks[Name]>,
  ...[options]: PerformArguments<PerformOptions<Config, Tables, Hooks, Services>>
): Promise<void> {
  const { config, fragment, ...given } = { config: undefined, ...options } as Partial<
    PerformOptions<Config, Tables, Hooks, Services>
  >;
  const tables = fragment?.tables ?? definition.buildTables(tableBuilder("sqlite", definition.name));
  const hooks = definition.buildHooks({ config: config as Config, tables }) as Record<string, AnyHook>;
  const hook = hooks[name];
  if (hook === undefined) throw unknownHook(definition.name, name, Object.keys(hooks));
  const input = await parse(name, hook, payload);
  await hook.run(input as never, contextOf(name, hook, given, fragment as never));
}

/** What the handler gets of a payload: JSON and the schema have made it. */
async function parse(name: string, { input }: AnyHook, payload: unknown): Promise<unknown> {
  const value: unknown = JSON.parse(JSON.stringify(payload ?? null));
  if (input === undefined) return value;
  const { issues, ...result } = await input["~standard"].validate(value);
  if (issues === undefined) return "value" in result ? result.value : undefined;
  const described = issues.map(({ message, path = [] }) => ({
    message,
    path: path.map((part) => String(typeof part === "object" ? part.key : part)).join("."),
  }));
  const list = described
    .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`))
    .join("; ");
  throw new SherdError(
    "PAYLOAD_INVALID",
    `The payload of "${name}" does not fit its input schema: ${list}.`,
    {
      hook: name,
      issues: described,
    },
  );
}

function contextOf(
  name: string,
  { retry }: AnyHook,
  given: Partial<AnyContext>,
  fragment: Fragment<unknown, Record<string, never>, unknown> | undefined,
): AnyContext {
  const id = given.id ?? crypto.randomUUID();
  let hasCommitted = false;
  return {
    id,
    idempotencyKey: id,
    attempt: 1,
    maxAttempts: retry?.maxAttempts ?? 20,
    createdAt: new Date(),
    signal: new AbortController().signal,
    trace: null,
    ...given,
    async transaction<T>(work: (uow: HookUnitOfWork<AnyUnit, unknown>) => Promise<T>): Promise<T> {
      if (fragment === undefined)
        throw invalidOption("performHook.fragment", fragment, "given for ctx.transaction");
      if (hasCommitted) throw secondTransaction(fragment.namespace, name);
      const answer = await fragment.transaction(async (uow) =>
        work({
          ...uow,
          triggerSelf: (payload, options?: TriggerOptions) =>
            uow.triggerHook(name, payload as never, options),
        }),
      );
      hasCommitted = true;
      return answer;
    },
  };
}

function unknownHook(fragment: string, hook: string, known: readonly string[]): SherdError {
  return new SherdError(
    "UNKNOWN_HOOK",
    `Cannot perform "${hook}": fragment "${fragment}" has no such hook; it has ${known.join(", ") || "none"}.`,
    { namespace: fragment, hook, known },
  );
}

function secondTransaction(namespace: string, hook: string): SherdError {
  return new SherdError(
    "TRANSACTION_ENDED",
    `Cannot run ctx.transaction of "${hook}" a second time: the first one has committed and the hook has completed.`,
    { namespace, hook },
  );
}
