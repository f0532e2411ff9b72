/** `npm start`: the API and the schedule, whose process is killed in the middle; another one takes its place. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ApiServer } from "./api/server.ts";
import { note } from "./progress.ts";

const requestsBeforeTheKill = 150;

const directory = await mkdtemp(join(tmpdir(), "sherd-inventory-"));
const server = new ApiServer();
/** Shorter than in production, so that what takes minutes there is over in seconds. */
const env = {
  INVENTORY_API: await server.listen(),
  SQLITE_FILE: join(directory, "inventory.db"),
  API_TIMEOUT_MS: "500",
  RETRY_MS: "300",
  LONGEST_RETRY_MS: "1000",
  LEASE_MS: "2000",
};

let child = startSync();
let isInterrupted = false;
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, interrupt);
await Promise.race([middle(), ended()]);
if (child.exitCode === null && !isInterrupted) {
  child.kill("SIGKILL");
  await ended();
  note(
    `Process ${child.pid} was killed with SIGKILL in the middle. The next one goes on when its leases expire.`,
  );
  child = startSync();
}
await ended();
server.close();
await rm(directory, { recursive: true });
process.exitCode = child.exitCode ?? 1;

function startSync(): ChildProcess {
  const execArgv = [...process.execArgv, `--import=${new URL("./follow-parent.ts", import.meta.url).href}`];
  return fork(new URL("./sync.ts", import.meta.url), ["--once"], {
    env: { ...process.env, ...env },
    execArgv,
  });
}

function interrupt(): void {
  isInterrupted = true;
  child.kill("SIGTERM");
}

async function middle(): Promise<void> {
  while (server.log.length < requestsBeforeTheKill) await once(server, "request");
}

async function ended(): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}
