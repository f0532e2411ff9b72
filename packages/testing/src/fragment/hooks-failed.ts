import type { HookView } from "@sherd/core";

/** Hooks whose last attempt failed: they have failed for good, or wait for another attempt. */
export class HooksFailed extends Error {
  override readonly name = "HooksFailed";
  readonly hooks: readonly HookView[];

  constructor(hooks: readonly HookView[]) {
    const lines = hooks.map(describe);
    const advice = "Where a test wants them to fail, let it pass { throwOnFailure: false }.";
    super(
      `${hooks.length === 1 ? "A hook" : `${hooks.length} hooks`} failed:\n${lines.join("\n")}\n${advice}`,
      {
        cause: raised(hooks[0]),
      },
    );
    this.hooks = hooks;
  }
}

function describe({ name, id, status, attempts, maxAttempts, lastError }: HookView): string {
  const what = `${lastError?.name ?? "Error"}: ${lastError?.message ?? "unknown"}`;
  const then = status === "pending" ? ", to be tried again" : "";
  return `  "${name}" (${id}, attempt ${attempts} of ${maxAttempts}${then}): ${what}`;
}

/** What the handler threw, as far as it was stored: its stack leads to the line. */
function raised(hook: HookView | undefined): Error | undefined {
  const last = hook?.lastError;
  if (last === undefined || last === null) return undefined;
  const error = new Error(last.message);
  error.name = last.name;
  if (last.stack !== undefined) error.stack = last.stack;
  return error;
}
