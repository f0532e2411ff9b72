import type { FragmentInternals } from "../fragment/internals.ts";
import { parsePayload } from "../hook/payload.ts";
import type { AttemptEnd } from "../kernel/transition.ts";
import type { Attempt } from "./attempt.ts";
import { AttemptContext } from "./attempt-context.ts";

/** Run the handler of an attempt and tell how it ended. Never rejects. */
export async function runHandler(attempt: Attempt, fragment: FragmentInternals): Promise<AttemptEnd> {
  const { name, body } = attempt.item;
  try {
    const hook = fragment.hooks.get(name);
    if (hook === undefined) return { kind: "interrupted" };
    const parsed = parsePayload(name, hook.input, JSON.parse(body));
    const payload = parsed instanceof Promise ? await parsed : parsed;
    await hook.run(payload as never, new AttemptContext(attempt, fragment));
    return { kind: "completed" };
  } catch (error) {
    return attempt.stopReason?.code === "INTERRUPTED" ? { kind: "interrupted" } : { kind: "failed", error };
  }
}
