import type { AnyFragment, HookStatus, HookView } from "@sherd/core";

const statuses = ["pending", "processing", "completed", "failed", "cancelled"] as const;

/** Every hook of a fragment that the database still has, in the order in which they were triggered. */
export async function everyHook(
  fragment: AnyFragment,
  among: readonly HookStatus[] = statuses,
  name?: string,
): Promise<readonly HookView[]> {
  const found = new Map<string, HookView>();
  for (const status of among) {
    let cursor: string | null = null;
    do {
      const filter = name === undefined ? {} : { name };
      const page = await fragment.hooks.list({ status, limit: 1_000, cursor, ...filter });
      for (const hook of page.hooks) found.set(hook.id, hook);
      cursor = page.cursor;
    } while (cursor !== null);
  }
  return [...found.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
