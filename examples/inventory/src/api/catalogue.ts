/** What the warehouses really hold. The API tells it page by page; `audit.ts` compares with it in the end. */
export interface StockLine {
  readonly sku: string;
  readonly quantity: number;
}

export interface Warehouse {
  readonly id: string;
  readonly city: string;
  readonly pages: number;
}

const linesAPage = 20;
const cities = [
  "Antwerp",
  "Bremen",
  "Dakar",
  "Genoa",
  "Lisbon",
  "Mombasa",
  "Osaka",
  "Riga",
  "Santos",
  "Tampa",
];

export const warehouses: readonly Warehouse[] = Array.from({ length: 50 }, (_, index) => ({
  id: `wh-${String(index + 1).padStart(2, "0")}`,
  city: cities[index % cities.length] ?? "",
  pages: 5 + ((index * 7) % 8),
}));

/** The same for every call: `page` counts from 1. */
export function linesOf({ id, pages }: Warehouse, page: number): readonly StockLine[] {
  const count = page === pages ? linesAPage / 2 : linesAPage;
  return Array.from({ length: count }, (_, index) => {
    const line = (page - 1) * linesAPage + index;
    return { sku: `${id}-${String(line).padStart(4, "0")}`, quantity: (line * 37) % 500 };
  });
}
