import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Sample } from "./measurement.ts";
import type { MeasurementOrder } from "./process.ts";

const program = fileURLToPath(new URL("process.ts", import.meta.url));

/** Longer than any measurement of a system that makes progress. */
const longestMs = 15 * 60_000;

/** Have a new process measure; rejects with what it said last when it fails, or takes too long. */
export function measureInProcess(order: MeasurementOrder): Promise<Sample> {
  const child = fork(program, { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  const { promise, resolve, reject } = Promise.withResolvers<Sample>();
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk) => (said = (said + String(chunk)).slice(-4_000)));
  }
  const timer = setTimeout(() => {
    child.kill("SIGKILL");
    reject(new Error(`It took longer than ${longestMs / 60_000} minutes. ${said}`));
  }, longestMs);
  const killOnExit = () => child.kill("SIGKILL");
  process.on("exit", killOnExit);
  child.on("message", (sample: Sample) => resolve(sample));
  child.on("exit", (code, signal) => {
    clearTimeout(timer);
    process.off("exit", killOnExit);
    reject(new Error(`The measuring process ended with ${signal ?? code}: ${said}`));
  });
  child.send(order);
  return promise;
}
