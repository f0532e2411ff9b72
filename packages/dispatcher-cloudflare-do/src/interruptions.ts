import type { DurableHooksProcessor } from "@sherd/core";

const key = "sherd:interrupted";

/** How many incarnations in a row ended during an attempt, for each namespace and hook. */
type Interruptions = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * Give back what an earlier incarnation of the object held: there is one instance, so nobody holds it any more. An eviction or a
 * deploy uses no attempt up, but a hook that ends its object each time must not do so for ever: what was in flight
 * at the end of `most` incarnations in a row counts as lost from then on. Answers which processors failed, and why.
 */
export async function recoverInterrupted(
  storage: DurableObjectStorage,
  processors: Iterable<DurableHooksProcessor>,
  most: number,
): Promise<ReadonlyMap<DurableHooksProcessor, unknown>> {
  const before = (await storage.get<Interruptions>(key)) ?? {};
  const now: Record<string, Readonly<Record<string, number>>> = { ...before };
  const failures = new Map<DurableHooksProcessor, unknown>();
  for (const processor of processors) {
    const { namespace } = processor;
    const counts = before[namespace] ?? {};
    try {
      const recovered = await processor.recover({ isLost: ({ id }) => (counts[id] ?? 0) >= most });
      delete now[namespace];
      if (recovered.length > 0)
        now[namespace] = Object.fromEntries(recovered.map(({ id }) => [id, (counts[id] ?? 0) + 1]));
    } catch (error) {
      failures.set(processor, error);
    }
  }
  if (Object.keys(now).length > 0) await storage.put(key, now);
  else if (Object.keys(before).length > 0) await storage.delete(key);
  return failures;
}
