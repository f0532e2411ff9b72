import type { Executor } from "../executor.ts";
import { numberOrNull, onlyRow, textArray } from "../literal.ts";

/** Takes no locks; index: see `sherd_next_wake_v1`. */
const text = `select sherd_next_wake_v1($1::text, $2::text::text[]) as ms`;

export async function nextWakeInMs(
  executor: Executor,
  queue: string,
  names: readonly string[],
): Promise<number | null> {
  const parameters = [queue, textArray(names)];
  const rows = await executor.own("nextWakeInMs", () =>
    executor.send("nextWakeInMs", "look", text, parameters),
  );
  return numberOrNull(onlyRow(rows)["ms"]);
}
