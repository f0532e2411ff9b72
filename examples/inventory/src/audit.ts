import { linesOf, type Warehouse, warehouses } from "./api/catalogue.ts";
import type { LoggedRequest } from "./api/server.ts";
import type { Inventory } from "./inventory.ts";
import { dispatcherId, type Warehouses } from "./schedule.ts";

/** What the API holds, what it was asked for, and what the database holds, compared. */
export interface Audit {
  readonly warehouses: readonly AuditedWarehouse[];
  /** Pages in the database. */
  readonly pages: number;
  readonly requests: number;
  /** Requests for a page that came after that page's checkpoint had committed. */
  readonly rereadAfterCheckpoint: number;
  /** Pages that a cursor stands for, and that are not in the database as the API has them. */
  readonly lostPages: number;
}

export interface AuditedWarehouse extends Warehouse {
  readonly status: string;
  /** Pages that its cursor stands for. */
  readonly done: number;
  readonly lost: number;
}

type Stored = Awaited<ReturnType<typeof readStock>>;

export async function audit(
  inventory: Inventory,
  subjects: Warehouses,
  log: readonly LoggedRequest[],
): Promise<Audit> {
  const stored = await readStock(inventory);
  const known = await subjects.listSubjects({ dispatcherId, limit: 1_000 });
  const audited = warehouses.map((warehouse) => {
    const subject = known.subjects.find(({ subjectKey }) => subjectKey === warehouse.id);
    const status = subject?.status ?? "unknown";
    const done = status === "succeeded" ? warehouse.pages : (subject?.cursor?.done ?? 0);
    const pages = Array.from({ length: done }, (_, index) => index + 1);
    return {
      ...warehouse,
      status,
      done,
      lost: pages.filter((page) => !isStored(stored, warehouse, page)).length,
    };
  });
  return {
    warehouses: audited,
    pages: stored.size,
    requests: log.length,
    // Every stored line has the request that brought it: a later one for the same page came after its commit.
    rereadAfterCheckpoint: log.filter(({ id, warehouse, page }) => {
      const [line] = stored.get(`${warehouse}/${page}`) ?? [];
      return line !== undefined && id > line.request;
    }).length,
    lostPages: audited.reduce((sum, { lost }) => sum + lost, 0),
  };
}

async function readStock(inventory: Inventory) {
  const lines = await inventory.transaction(({ db, tables }) => db.select().from(tables.stock));
  return Map.groupBy(lines, ({ warehouse, page }) => `${warehouse}/${page}`);
}

function isStored(stored: Stored, warehouse: Warehouse, page: number): boolean {
  const lines = stored.get(`${warehouse.id}/${page}`) ?? [];
  const quantities = new Map(lines.map(({ sku, quantity }) => [sku, quantity]));
  const expected = linesOf(warehouse, page);
  return (
    lines.length === expected.length && expected.every((line) => quantities.get(line.sku) === line.quantity)
  );
}
