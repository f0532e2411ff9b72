import { styleText } from "node:util";
import type { Audit, AuditedWarehouse } from "./audit.ts";

const columns = 5;

/** Every warehouse with its pages, in columns. */
export function table({ warehouses }: Audit): string {
  const rows = Math.ceil(warehouses.length / columns);
  const line = (row: number) =>
    warehouses
      .filter((_, index) => index % rows === row)
      .map(cell)
      .join(" │ ");
  return Array.from({ length: rows }, (_, row) => line(row)).join("\n");
}

/** For programs. */
export function resultLine({ warehouses, pages, rereadAfterCheckpoint, lostPages }: Audit): string {
  const read = warehouses.filter(({ status }) => status === "succeeded").length;
  return `warehouses=${read} pages=${pages} rereadAfterCheckpoint=${rereadAfterCheckpoint} lostPages=${lostPages}`;
}

export function isSound({ rereadAfterCheckpoint, lostPages }: Audit): boolean {
  return rereadAfterCheckpoint === 0 && lostPages === 0;
}

function cell({ id, done, pages, status, lost }: AuditedWarehouse): string {
  const text = `${id} ${`${done}/${pages}`.padStart(5)}`;
  if (lost > 0) return styleText("red", `${text} ✗`);
  return status === "succeeded" ? `${text} ${styleText("green", "✓")}` : styleText("yellow", `${text} …`);
}
