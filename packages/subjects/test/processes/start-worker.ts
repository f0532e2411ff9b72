import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import type { WorkerOptions } from "./pages.ts";

/** A worker process of a test. It is killed when the test has ended. */
export interface Worker {
  readonly pid: number;
  signal(name: NodeJS.Signals): void;
  /** Resolves with how it ended: its exit code, or the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

const script = fileURLToPath(new URL("worker.ts", import.meta.url));

/** Start a worker, and resolve when it polls, or has died. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const child = fork(script, [JSON.stringify(options)], {
    execArgv: ["--conditions=@sherd/source"],
    stdio: "inherit",
  });
  const ended = endOf(child);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await Promise.race([once(child, "message"), ended]);
  return { pid: child.pid ?? 0, signal: (name) => void child.kill(name), ended };
}

async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return code ?? signal ?? 0;
}
