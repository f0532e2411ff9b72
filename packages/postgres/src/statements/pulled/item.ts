import { type PulledColumns, type PulledItem, pulledItem } from "@sherd/core";

/** What `sherd_pulled_v1` answers for one item. */
export function parsePulled(text: unknown): PulledItem {
  return pulledItem(JSON.parse(String(text)) as PulledColumns);
}
