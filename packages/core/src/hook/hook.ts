import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { RetryPolicy } from "../retry/policy.ts";
import type { HookContext } from "./context.ts";

/** What a hook does when its time comes, and how it is tried again. */
export interface HookDefinition<Schema extends StandardSchemaV1 | undefined, Uow> {
  /**
   * Checks the payload, as JSON will hold it, when it is triggered, and makes of it what `run` gets. Any
   * Standard Schema. Without one the hook takes no payload.
   */
  readonly input?: Schema;
  /** Default: `exponential()`, 20 attempts over about eight hours. */
  readonly retry?: RetryPolicy;
  /** How long one attempt may take, in milliseconds, before it counts as failed. Default: no limit of its own. */
  readonly timeoutMs?: number;
  /**
   * Do the work. It may run more than once, so pass `ctx.idempotencyKey` on, or write in `ctx.transaction`.
   * Throw `NonRetryable` or `RetryAfter` to overrule the policy, anything else to follow it.
   */
  run(payload: HookPayload<Schema>, ctx: HookContext<Uow, HookInput<Schema>>): Promise<void> | void;
}

export type HookPayload<Schema> = Schema extends StandardSchemaV1
  ? StandardSchemaV1.InferOutput<Schema>
  : null;
export type HookInput<Schema> = Schema extends StandardSchemaV1 ? StandardSchemaV1.InferInput<Schema> : null;

/** A hook as fragments hold it: the payload that a trigger must give is all that callers see of its types. */
export interface Hook<Input, Uow> {
  readonly input: StandardSchemaV1<Input, unknown> | undefined;
  readonly retry: RetryPolicy | undefined;
  readonly timeoutMs: number | undefined;
  readonly run: (payload: never, ctx: HookContext<Uow, Input>) => Promise<void> | void;
}

// `any` because the inputs of a fragment's hooks differ, and stand in positions of both variances.
// oxlint-disable-next-line typescript/no-explicit-any
export type HookMap<Uow> = Readonly<Record<string, Hook<any, Uow>>>;

export type HookInputOf<H> = H extends Hook<infer Input, never> ? Input : never;

/** Define a hook. */
export function hook<Schema extends StandardSchemaV1 | undefined = undefined, Uow = unknown>(
  definition: HookDefinition<Schema, Uow>,
): Hook<HookInput<Schema>, Uow> {
  return {
    input: definition.input as Hook<HookInput<Schema>, Uow>["input"],
    retry: definition.retry,
    timeoutMs: definition.timeoutMs,
    run: (payload, ctx) => definition.run(payload, ctx),
  };
}
