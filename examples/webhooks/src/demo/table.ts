import { styleText } from "node:util";

/** A row to print; null draws a line. */
export type Row = readonly [label: string, value: number] | null;

/** Lay rows out as a box: labels to the left, numbers to the right, indented labels dimmed on a terminal. */
export function table(rows: readonly Row[]): string {
  const shown = rows.filter((row) => row !== null);
  const left = Math.max(...shown.map(([label]) => label.length));
  const right = Math.max(...shown.map(([, value]) => String(value).length));
  const line = (start: string, middle: string, end: string) =>
    `${start}${"─".repeat(left + 2)}${middle}${"─".repeat(right + 2)}${end}`;
  return [
    line("┌", "┬", "┐"),
    ...rows.map((row) =>
      row === null ? line("├", "┼", "┤") : `│ ${label(row[0], left)} │ ${number(row[1], right)} │`,
    ),
    line("└", "┴", "┘"),
  ].join("\n");
}

function label(text: string, width: number): string {
  return text.startsWith(" ") ? text.padEnd(width) : styleText("bold", text.padEnd(width));
}

function number(value: number, width: number): string {
  return String(value).padStart(width);
}
