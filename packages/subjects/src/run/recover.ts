import {
  type PulledItem,
  pullMoves,
  type PullStorage,
  type RecoveredHook,
  type RecoverOptions,
} from "@sherd/core";

const batch = 500;

/**
 * Give back what is held under other leases than `own`. What counts as lost keeps its lease until that expires, so that who
 * takes it over counts it.
 */
export async function recoverSubjects(
  pull: PullStorage,
  queue: string,
  own: ReadonlySet<string>,
  { isLost = () => false }: RecoverOptions,
): Promise<readonly RecoveredHook[]> {
  const recovered: RecoveredHook[] = [];
  for (const phase of ["leased", "running"] as const) {
    let after: string | null = null;
    let items: readonly PulledItem[];
    do {
      items = await pull.page({ queue, phase, after, limit: batch });
      after = items.at(-1)?.key ?? null;
      const abandoned = items.filter(({ lease }) => lease === null || !own.has(lease));
      const told = abandoned.map((item) => ({ item, hook: hookOf(item) }));
      const given = told.filter(({ hook }) => !isLost(hook));
      await pull.move(
        queue,
        given.map(({ item }) => pullMoves.release(item)),
      );
      recovered.push(...told.map(({ hook }) => hook));
    } while (items.length === batch);
  }
  return recovered;
}

function hookOf({ id, key, attempts }: PulledItem): RecoveredHook {
  return { id, name: key, attempt: attempts };
}
