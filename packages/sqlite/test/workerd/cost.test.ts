import { expect, test } from "vitest";
import { durableObjectAdapter } from "../../src/durable-object.ts";
import { inObject, openNotes } from "./inside.ts";

interface Cost {
  readonly rowsRead: number;
  readonly rowsWritten: number;
}

/** The storage, and the rows that the statements since the last look were billed for. */
function counting(storage: DurableObjectStorage) {
  let cursors: SqlStorageCursor<Record<string, SqlStorageValue>>[] = [];
  const counted = {
    sql: {
      exec(query: string, ...bindings: SqlStorageValue[]) {
        const cursor = storage.sql.exec(query, ...bindings);
        cursors.push(cursor);
        return cursor;
      },
    },
    transaction: <T>(body: () => Promise<T>) => storage.transaction(body),
  };
  const since = (): Cost => {
    const all = cursors;
    cursors = [];
    return {
      rowsRead: all.reduce((sum, { rowsRead }) => sum + rowsRead, 0),
      rowsWritten: all.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0),
    };
  };
  return { counted, since };
}

/** What so many hooks cost that do nothing, triggered in one transaction and drained in one run. */
function costOf(hooks: number): Promise<{ readonly triggered: Cost; readonly drained: Cost }> {
  return inObject(async (storage) => {
    const { counted, since } = counting(storage);
    const { fragment, processor } = await openNotes(durableObjectAdapter(counted));
    await fragment.services.triggerMany(1);
    await processor.processDue();
    since();
    await fragment.services.triggerMany(hooks);
    const triggered = since();
    expect(await processor.processDue()).toMatchObject({ completed: hooks, nextWakeAt: null });
    return { triggered, drained: since() };
  });
}

/** What docs/cloudflare.md tells of; most of what is read are entries of indexes. */
test.each([
  [1, { triggered: { rowsRead: 2, rowsWritten: 4 }, drained: { rowsRead: 36, rowsWritten: 7 } }],
  [100, { triggered: { rowsRead: 210, rowsWritten: 301 }, drained: { rowsRead: 1_600, rowsWritten: 110 } }],
])("%d hooks that do nothing cost no more rows than their budget", async (hooks, budget) => {
  const cost = await costOf(hooks);
  for (const phase of ["triggered", "drained"] as const) {
    for (const rows of ["rowsRead", "rowsWritten"] as const) {
      expect(cost[phase][rows], `${rows} by ${hooks} ${phase}`).toBeLessThanOrEqual(budget[phase][rows]);
    }
  }
});

test("looking for what is due, when nothing is, writes no row", async () => {
  const cost = await inObject(async (storage) => {
    const { counted, since } = counting(storage);
    const { fragment, processor } = await openNotes(durableObjectAdapter(counted));
    await fragment.services.triggerMany(100);
    await processor.processDue();
    since();
    expect(await processor.getNextWakeInMs()).toBeNull();
    await processor.recover();
    return since();
  });
  expect(cost.rowsWritten).toBe(0);
  expect(cost.rowsRead).toBeLessThanOrEqual(10);
});
