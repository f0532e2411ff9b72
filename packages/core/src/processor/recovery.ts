import type { FragmentInternals } from "../fragment/internals.ts";
import type { ItemView, SettleResult, Settlement } from "../kernel/item.ts";
import { attemptOf, endAttempt } from "../kernel/transition.ts";

export interface RecoverOptions {
  /**
   * Whether the attempt counts as lost, because it may be what ended its process, rather than as interrupted, which
   * uses nothing up. Default: never.
   */
  readonly isLost?: (hook: RecoveredHook) => boolean;
}

/** A hook that an earlier processor held. */
export interface RecoveredHook {
  readonly id: string;
  readonly name: string;
  /** The attempt that its processor did not end. */
  readonly attempt: number;
}

interface Abandoned {
  readonly item: ItemView;
  readonly lease: string;
}

const page = 500;

/**
 * End the attempts under every lease but `own`. Only for a host where no other process can hold anything: elsewhere a
 * lease says that its holder may be at work.
 */
export async function recoverAbandoned(
  fragment: FragmentInternals,
  own: readonly string[],
  { isLost = () => false }: RecoverOptions,
): Promise<readonly RecoveredHook[]> {
  const abandoned = await listAbandoned(fragment, own);
  if (abandoned.length === 0) return [];
  const { adapter, queue } = fragment;
  const recovered = abandoned.map(({ item }) => ({
    id: item.id,
    name: item.name,
    attempt: attemptOf(item),
  }));
  const lost = new Set(recovered.filter(isLost).map(({ id }) => id));
  const settlements = abandoned.map((one) => endOf(fragment, one, lost.has(one.item.id)));
  const settled = await adapter.storage.settle(queue, settlements);
  await adapter.storage.closeLeases([...new Set(abandoned.map(({ lease }) => lease))]);
  for (const [index, settlement] of settlements.entries()) {
    const one = abandoned[index];
    if (one !== undefined) tell(fragment, one.item, settlement, settled[index]?.result);
  }
  return recovered;
}

async function listAbandoned(
  { adapter, queue }: FragmentInternals,
  own: readonly string[],
): Promise<readonly Abandoned[]> {
  const mine = new Set(own);
  const abandoned: Abandoned[] = [];
  let cursor: string | null = null;
  do {
    const { items, cursor: next } = await adapter.storage.list(queue, {
      status: "processing",
      limit: page,
      cursor,
    });
    for (const item of items) {
      if (item.lease !== null && !mine.has(item.lease)) abandoned.push({ item, lease: item.lease });
    }
    cursor = next;
  } while (cursor !== null);
  return abandoned;
}

function endOf({ settings }: FragmentInternals, { item, lease }: Abandoned, isLost: boolean): Settlement {
  const end = isLost
    ? ({ kind: "stuck", error: abandonedAttempt(item) } as const)
    : ({ kind: "interrupted" } as const);
  // A payload that replaced the claimed one is not what was attempted: it keeps its time, and nothing counts against it.
  const revision = item.claimedRevision ?? item.revision;
  return endAttempt({ ...item, lease, revision }, end, {
    policy: () => settings.retry,
    maxLost: settings.maxLost,
    now: settings.clock.now(),
    random: 0,
  });
}

function abandonedAttempt(item: ItemView): Error {
  const message =
    `Attempt ${attemptOf(item)} of ${item.id} was not ended by "${item.owner}", the process that held it, and that has ` +
    `happened to it again and again. It counts as lost.`;
  return Object.assign(new Error(message), { name: "LostAttempt", code: "LOST" });
}

function tell(
  { namespace, report }: FragmentInternals,
  item: ItemView,
  settlement: Settlement,
  result: SettleResult | undefined,
): void {
  const about = { namespace, id: item.id, name: item.name };
  const attempt = attemptOf(item);
  if (item.cancelRequested) return report.event({ type: "cancelled", ...about, attempt });
  if (!settlement.lost) return report.event({ type: "given-back", ...about, attempt });
  const isReplaced = result === "replaced";
  const end = settlement.state === "done" && !isReplaced ? "failed" : "ready";
  const lost = { ...about, owner: item.owner ?? "", lost: item.lost + (isReplaced ? 0 : 1), end } as const;
  report.event({ type: "lost", ...lost });
  report.stuck([lost]);
}
