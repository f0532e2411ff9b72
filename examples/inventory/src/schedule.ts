import { type DurableHooksProcessor, exponential } from "@sherd/core";
import { createSubjects, pool, type SubjectErrorContext, type SubjectEvent } from "@sherd/subjects";
import { z } from "zod";
import { type Inventory, savePage } from "./inventory.ts";
import type { Settings } from "./settings.ts";
import { WarehouseApi } from "./warehouse-api.ts";

export const dispatcherId = "warehouses";

export interface Listeners {
  readonly onEvent?: (event: SubjectEvent) => void;
  readonly onError?: (error: unknown, context: SubjectErrorContext) => void;
}

export type Warehouses = ReturnType<typeof openWarehouses>;

/** One subject a warehouse. Its cursor: how many pages of how many are in the database. */
export function openWarehouses({ databaseAdapter }: Inventory, settings: Settings, listeners: Listeners) {
  const warehouses = pool({
    cursor: z.object({ done: z.int(), of: z.int() }),
    meta: z.object({ city: z.string() }),
    retry: exponential({ initialDelayMs: settings.RETRY_MS, maxDelayMs: settings.LONGEST_RETRY_MS }),
  });
  return createSubjects({ databaseAdapter, pools: { warehouses }, ...listeners });
}

/** Read every warehouse once a round, from where it was left. */
export function syncWarehouses(
  subjects: Warehouses,
  inventory: Inventory,
  settings: Settings,
): DurableHooksProcessor {
  const api = new WarehouseApi(settings.INVENTORY_API, settings.API_TIMEOUT_MS);
  return subjects.runSubjects({
    dispatcherId,
    every: settings.EVERY_MS,
    concurrency: settings.CONCURRENCY,
    leaseMs: settings.LEASE_MS,
    failurePolicy: { parkAfter: 20 },
    async discover({ signal }) {
      const known = await api.warehouses(signal);
      return known.map(({ id, city }) => ({ subjectKey: id, meta: { city } }));
    },
    async handle({ subjectKey, cursor }, ctx) {
      let { done, of } = cursor ?? { done: 0, of: 1 };
      while (done < of) {
        const page = await api.readPage(subjectKey, done + 1, ctx.signal);
        // The rows and the cursor that stands for them: both, or neither.
        await ctx.transaction(async (tx) => {
          await savePage(tx.db, inventory.tables, subjectKey, page);
          await tx.checkpoint({ cursor: { done: page.page, of: page.pages } });
        });
        ({ page: done, pages: of } = page);
      }
      return { cursor: null }; // the next round begins at the first page
    },
  });
}
