import type { FragmentInternals } from "../fragment/internals.ts";

const batch = 1_000;

/** Promote what has become due and recover what was lost, and tell of the losses, as long as it is wanted. */
export async function sweepQueue(
  { adapter, namespace, queue, settings, report }: FragmentInternals,
  isWanted: () => boolean,
): Promise<void> {
  let more = true;
  while (more && isWanted()) {
    const sweep = await adapter.storage.sweep(queue, batch, settings.maxLost);
    for (const lost of sweep.lost) report.event({ type: "lost", namespace, ...lost });
    report.stuck(sweep.lost);
    more = sweep.more;
  }
}
