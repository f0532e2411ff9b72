/** Which items a claim has to take, and in which order: all of it in memory, without an index and without a blocked item. */

export interface ModelItem {
  readonly id: string;
  /** Trigger order. */
  readonly place: number;
  readonly key: string;
  readonly concurrencyKey: string | null;
  readonly releasesKey: boolean;
  name: string;
  priority: number;
  /** `due` is timed and due, until a sweep finds it. */
  state: "ready" | "due" | "later" | "parked" | "failed";
  isHeld: boolean;
  /** Replaced while it was held. */
  isReplaced: boolean;
  isToCancel: boolean;
  failures: number;
  lost: number;
}

export interface ModelClaim {
  readonly names: readonly string[];
  readonly limit: number;
  readonly suspects: { readonly lostFrom: number; readonly takesOne: boolean };
}

/** All that a claim without a limit would take. */
export function claimable(
  items: readonly ModelItem[],
  { names, suspects }: ModelClaim,
): readonly ModelItem[] {
  const lostBelow = suspects.takesOne ? Infinity : suspects.lostFrom;
  const taken = new Set(items.filter((item) => isBusy(item, lostBelow)).map((item) => item.concurrencyKey));
  let hasSuspect = false;
  const chosen: ModelItem[] = [];
  for (const item of items.toSorted(inOrder)) {
    const { concurrencyKey, lost } = item;
    if (item.state !== "ready" || item.isHeld || !names.includes(item.name) || lost >= lostBelow) continue;
    if (concurrencyKey !== null && taken.has(concurrencyKey)) continue;
    if (concurrencyKey !== null) taken.add(concurrencyKey);
    if (lost >= suspects.lostFrom && hasSuspect) continue;
    hasSuspect ||= lost >= suspects.lostFrom;
    chosen.push(item);
  }
  return chosen;
}

/** Whether it keeps others of its concurrency key waiting. */
function isBusy(item: ModelItem, lostBelow: number): boolean {
  if (item.concurrencyKey === null) return false;
  const isRetrying = item.state === "due" || item.state === "later" ? item.failures + item.lost > 0 : false;
  return (
    item.isHeld || (isRetrying && !item.releasesKey) || (item.state === "ready" && item.lost >= lostBelow)
  );
}

function inOrder(one: ModelItem, other: ModelItem): number {
  return other.priority - one.priority || one.place - other.place;
}
