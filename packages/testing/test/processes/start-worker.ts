import { forkWorker, type Worker } from "../../../../tooling/fork-worker.ts";
import type { WorkerOptions } from "./worker-options.ts";

const script = new URL("worker.ts", import.meta.url);

export function startWorker(options: WorkerOptions): Promise<Worker> {
  return forkWorker(script, options);
}
