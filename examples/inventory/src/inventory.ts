import { type Database, defineFragment, instantiate } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { sql } from "drizzle-orm";
import { migrations } from "./migrations/index.ts";
import type { StockPage } from "./warehouse-api.ts";

export const inventory = defineFragment("inventory")
  .withTables(
    (t) => ({
      stock: t.table(
        "stock",
        {
          id: t.id(),
          warehouse: t.text("warehouse").notNull(),
          sku: t.text("sku").notNull(),
          quantity: t.integer("quantity").notNull(),
          page: t.integer("page").notNull(),
          /** The API's number of the request that brought it. */
          request: t.integer("request").notNull(),
        },
        (self) => [t.uniqueIndex("stock_warehouse_sku").on(self.warehouse, self.sku)],
      ),
    }),
    { migrations },
  )
  .build();

export type Inventory = ReturnType<typeof openInventory>;

export function openInventory(file: string) {
  return instantiate(inventory)
    .withOptions({ databaseAdapter: sqliteAdapter(file) })
    .build();
}

/** Write what a page says, in the transaction of `db`. A line that is known already is updated. */
export async function savePage(
  db: Database,
  { stock }: Inventory["tables"],
  warehouse: string,
  { page, request, lines }: StockPage,
): Promise<void> {
  const set = { quantity: sql`excluded.quantity`, page, request };
  await db
    .insert(stock)
    .values(lines.map((line) => ({ ...line, warehouse, page, request })))
    .onConflictDoUpdate({ target: [stock.warehouse, stock.sku], set });
}
