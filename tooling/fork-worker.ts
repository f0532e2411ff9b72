import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";

/** A worker process of a test. It is killed when the test has ended. */
export interface Worker {
  readonly pid: number;
  /** Send a signal. SIGSTOP freezes the process, SIGCONT lets it go on. */
  signal(name: NodeJS.Signals): void;
  /** Resolves with how it ended: its exit code, or the signal that killed it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/**
 * Start a script, which is given its options as JSON. Resolves when it has said that it polls, or was killed before; one
 * that exits has failed to start.
 */
export async function forkWorker(script: URL, options: object): Promise<Worker> {
  const child = fork(script, [JSON.stringify(options)], {
    execArgv: ["--conditions=@sherd/source"],
    stdio: "inherit",
  });
  const ended = endOf(child);
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const isReady = once(child, "message").then(() => true);
  const end = await Promise.race([isReady, ended]);
  if (typeof end === "number") throw new Error(`The worker ended with ${end} before it was ready.`);
  return { pid: child.pid ?? 0, signal: (name) => void child.kill(name), ended };
}

async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return code ?? signal ?? 0;
}
