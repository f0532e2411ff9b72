import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, platform, release, tmpdir, totalmem } from "node:os";
import type { System } from "../system.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  /** Of the databases' files. A `tmpfs` has nothing to sync. */
  readonly fileSystem: string;
  /** Before the run, over the last minute: what else the machine was doing. */
  readonly loadAverage: number;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
    fileSystem: answerOf("stat", ["--file-system", "--format=%T", tmpdir()]) ?? "unknown",
    loadAverage: loadavg()[0] ?? 0,
  };
}

/** The installed version of each system's package. Sherd's is its commit. */
export function versionsOf(systems: readonly System[]): Record<string, string> {
  const changes = answerOf("git", ["status", "--porcelain", "--", ":/packages", ":/benchmarks/src"]);
  const commit = answerOf("git", ["rev-parse", "--short", "HEAD"]) ?? "unknown";
  const packages = systems.flatMap(({ package: name }) => (name === null ? [] : [name]));
  const installed = packages.map((name) => [
    name,
    name.startsWith("@sherd/") ? commit : installedVersion(name),
  ]);
  return {
    ...Object.fromEntries(installed),
    ...(changes ? { note: "with changes that are not committed" } : {}),
  };
}

function installedVersion(name: string): string {
  const file = new URL(`../../node_modules/${name}/package.json`, import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { readonly version: string };
  return version;
}

function answerOf(program: string, args: readonly string[]): string | null {
  try {
    const options = { cwd: import.meta.dirname, encoding: "utf8", stdio: "pipe" } as const;
    return execFileSync(program, args, options).trim();
  } catch {
    return null;
  }
}
