import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

const files = {
  server: new URL("./server-process.ts", import.meta.url),
  worker: new URL("./worker-process.ts", import.meta.url),
};

const startLimitMs = 10_000;
const running = new Set<ChildProcess>();
// Whatever ends this process, nothing that it started outlives it.
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export interface Started {
  readonly child: ChildProcess;
  /** Where it listens, if it does. */
  readonly port: number | null;
}

/** Start a process of the example's. Resolves when it is ready. */
export async function start(name: keyof typeof files, env: NodeJS.ProcessEnv): Promise<Started> {
  const child = fork(files[name], {
    env: { ...process.env, ...env },
    execArgv: process.execArgv,
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const ready = once(child, "message").then(([{ port }]) => ({ child, port }));
  const failed = once(child, "exit").then(([code]) => {
    throw new Error(`The ${name} did not start: it ended with ${code}.`);
  });
  const late = delay(startLimitMs, undefined, { ref: false }).then(() => {
    throw new Error(`The ${name} did not start within ${startLimitMs / 1_000} s.`);
  });
  return Promise.race([ready, failed, late]);
}

/** End a process at once, without giving it a chance to clean up. */
export async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await ended(child);
}

/** Ask all to shut down, and see that they do: true when each drained and ended by itself. */
export async function stopAll(): Promise<boolean> {
  const codes = [...running].map(async (child) => {
    const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
    child.kill("SIGTERM");
    await ended(child);
    clearTimeout(timer);
    return child.exitCode;
  });
  return (await Promise.all(codes)).every((code) => code === 0);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
