import type { DurableHooksOptions, HookContext } from "@sherd/core";
import type { DurableObjectAdapterOptions } from "@sherd/sqlite/durable-object";
import type { DispatcherOptions, ProcessErrorContext } from "../../src/index.ts";

/** What is inside an object: the class that a user would write. */
export interface Inside {
  alarm(info?: AlarmInvocationInfo): Promise<void>;
  fetch?(request: Request): Promise<Response>;
}

/** What a test has an object do, and what it sees of it: Worker and tests share an isolate. */
export interface Stage<Made extends Inside = Inside> {
  readonly make: (ctx: DurableObjectState, env: unknown, stage: Stage<Inside>) => Made;
  readonly dispatcher: Omit<DispatcherOptions<unknown>, "createProcessor">;
  readonly hooks: DurableHooksOptions;
  readonly adapter: DurableObjectAdapterOptions;
  /** What a hook does, beside being noted. */
  run: (label: string, hook: Pick<HookContext<never, never>, "attempt" | "signal" | "id">) => unknown;
  /** The attempts, as label and number, in the order of their beginning. */
  readonly ran: string[];
  /** When the alarm rang. */
  readonly rings: number[];
  readonly errors: { readonly error: unknown; readonly context: ProcessErrorContext }[];
}

const stages = new Map<string, Stage>();

export function setStage(id: DurableObjectId, stage: Stage): void {
  stages.set(id.toString(), stage);
}

export function stageOf(id: DurableObjectId): Stage {
  const stage = stages.get(id.toString());
  if (stage === undefined) throw new Error(`Nothing is staged for object ${id.toString()}.`);
  return stage;
}
