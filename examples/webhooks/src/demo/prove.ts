import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { kill } from "./children.ts";
import { Progress } from "./progress.ts";
import { report } from "./report.ts";
import { type Sent, sendOrders } from "./send-orders.ts";
import type { System } from "./system.ts";

interface Run {
  readonly system: System;
  readonly sent: Sent;
  readonly progress: Progress;
  /** Ends the run before it is done. */
  readonly signal: AbortSignal;
}

const arrivalsBeforeTheKill = 70;
const downtimeMs = 700;
const limitMs = 25_000;

/** The main job. True when nothing was lost and nothing leaked; rejects when it is interrupted. */
export async function prove(system: System, interruption: AbortSignal): Promise<boolean> {
  const startedAt = performance.now();
  const sent: Sent = { orders: 0, placed: 0, failed: 0 };
  const progress = new Progress(system.receiver, sent);
  const limit = AbortSignal.timeout(limitMs);
  const signal = AbortSignal.any([interruption, limit]);
  try {
    await perform({ system, sent, progress, signal });
  } catch (error) {
    if (!limit.aborted) throw error;
    progress.note(`Not done after ${limitMs / 1_000} s. This is how far it came:`);
  } finally {
    progress.end();
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  return (await report({ system, sent, seconds })) && !limit.aborted;
}

async function perform({ system, sent, progress, signal }: Run): Promise<void> {
  const { child: worker } = await system.startWorker();
  progress.note(`A server, a worker and a flaky receiver are up; the orders go to ${system.databaseName}.`);
  const killing = killInTheMiddle({ system, sent, progress, signal }, worker);
  await Promise.all([sendOrders(system, sent, signal), killing]);
  progress.note("All orders are sent. What remains are retries, and what the killed worker held.");
  while (await hasUnfinishedHooks(system)) await delay(100, undefined, { signal });
  const hasDrained = await system.stop();
  progress.note(`SIGTERM: server and worker have ${hasDrained ? "drained" : "NOT ended cleanly"}.`);
}

async function killInTheMiddle({ system, progress, signal }: Run, worker: ChildProcess): Promise<void> {
  const { receiver } = system;
  while (receiver.arrivals.length < arrivalsBeforeTheKill) await once(receiver, "arrival", { signal });
  const { open } = receiver;
  await kill(worker);
  progress.note(`Worker ${worker.pid} killed with SIGKILL in the middle of ${open} deliveries.`);
  await delay(downtimeMs, undefined, { signal });
  const { child } = await system.startWorker();
  progress.note(`Worker ${child.pid} started in its place.`);
}

async function hasUnfinishedHooks({ fragment }: System): Promise<boolean> {
  const { pending, processing } = await fragment.hooks.count();
  return pending + processing > 0;
}
