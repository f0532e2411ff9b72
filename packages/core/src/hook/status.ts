import type { ItemStatus, ItemView } from "../kernel/item.ts";

/** The word that users see for a hook: `pending`, `processing`, `completed`, `failed` or `cancelled`. */
export function hookStatus({ held, outcome }: Pick<ItemView, "held" | "outcome">): ItemStatus {
  if (outcome !== null) return outcome;
  return held ? "processing" : "pending";
}
