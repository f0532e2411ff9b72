import type { DurableHooksProcessor } from "@sherd/core";

const key = "sherd:interrupted";

/**
 * Give back what an earlier incarnation of the object held: there is one instance, so nobody holds it any more. An eviction or a
 * deploy uses no attempt up, but a hook that ends its object each time must not do so for ever: what was in flight
 * at the end of `most` incarnations in a row counts as lost from then on.
 */
export async function recoverInterrupted(
  storage: DurableObjectStorage,
  processors: readonly DurableHooksProcessor[],
  most: number,
): Promise<void> {
  let before: Readonly<Record<string, number>> | null = null;
  const now: Record<string, number> = {};
  for (const processor of processors) {
    const counts = (before ??= (await storage.get<Readonly<Record<string, number>>>(key)) ?? {});
    const recovered = await processor.recover({ isLost: ({ id }) => (counts[id] ?? 0) >= most });
    for (const { id } of recovered) now[id] = (counts[id] ?? 0) + 1;
  }
  if (Object.keys(now).length > 0) await storage.put(key, now);
  else if (Object.keys(before ?? {}).length > 0) await storage.delete(key);
}
