/** A Redis of a measurement's own, where `redis-server` is installed. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../../../tooling/free-port.ts";

/** As BullMQ's documentation asks for in production: nothing evicted, the append-only file synced once a second. */
export const redisSettings = "appendonly yes, appendfsync everysec, maxmemory-policy noeviction";

export interface RedisServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Null where Redis is not installed. */
export function redisVersion(): string | null {
  try {
    const answer = execFileSync("redis-server", ["--version"], { encoding: "utf8", stdio: "pipe" });
    return /v=([\d.]+)/.exec(answer)?.[1] ?? "unknown";
  } catch {
    return null;
  }
}

export async function startRedis(): Promise<RedisServer> {
  const directory = mkdtempSync(join(tmpdir(), "sherd-redis-"));
  const port = await freePort();
  const place = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", ""];
  const settings = redisSettings.split(", ").flatMap((setting) => `--${setting}`.split(" "));
  const server = spawn("redis-server", [...place, ...settings], { stdio: "ignore" });
  const killOnExit = () => server.kill("SIGKILL");
  process.on("exit", killOnExit);
  await untilReachable(port);
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      process.off("exit", killOnExit);
      const exited = once(server, "exit");
      server.kill("SIGKILL");
      await exited;
      rmSync(directory, { recursive: true });
    },
  };
}

async function untilReachable(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, "127.0.0.1");
    const isReachable = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isReachable) return;
    await sleep(25);
  }
  throw new Error(`Redis did not start on port ${port}.`);
}
