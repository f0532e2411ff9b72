/**
 * Where Sherd's time goes: one long drain under V8's sampling profiler, the functions that took most of it, and the
 * statements on which the server spent most of its own.
 */
import { mkdir, readFile } from "node:fs/promises";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { statementTimes } from "./measurement/counters.ts";
import { measureInProcess } from "./measurement/measure.ts";
import type { Drain } from "./measurement/measurement.ts";
import { numberText } from "./report/format.ts";
import { type CpuProfile, selfTimes } from "./report/self-times.ts";
import { startBenchmarkPostgres } from "./server/postgres.ts";
import { Places } from "./server/places.ts";
import { type SystemName, systemNamed } from "./systems.ts";

const profiles: Readonly<Record<string, { readonly system: SystemName; readonly mode: Drain["mode"] }>> = {
  "sherd-drain": { system: "sherd", mode: "tuned" },
  "sherd-defaults": { system: "sherd", mode: "defaults" },
  "sherd-sqlite-drain": { system: "sherdSqlite", mode: "tuned" },
};

const results = new URL("../results/", import.meta.url);
const root = fileURLToPath(new URL("../..", import.meta.url));
const listedFunctions = 40;
const listedStatements = 15;

export async function profile(name: string, divide: number): Promise<void> {
  const profiled = profiles[name];
  if (profiled === undefined) {
    throw new Error(`There is no profile "${name}", only ${Object.keys(profiles).join(", ")}.`);
  }
  const profileTo = fileURLToPath(new URL(`${name}.cpuprofile`, results));
  await mkdir(results, { recursive: true });
  const { system, mode } = profiled;
  const measurement: Drain = { kind: "drain", mode, count: Math.ceil(200_000 / divide), profileTo };
  const postgres = await startBenchmarkPostgres();
  try {
    const { backend } = await systemNamed(system);
    await new Places(postgres).with(backend, { counts: "all" }, async (place) => {
      const { perSecond = NaN } = await measureInProcess({ system, place, measurement });
      console.log(
        `${name}: ${numberText(perSecond)}/s, slowed down by the profiler; ${relative(root, profileTo)}`,
      );
      await printFunctions(profileTo);
      if (place.adminUrl !== null) await printStatements(place.url);
    });
  } finally {
    await postgres.stop();
  }
}

async function printFunctions(path: string): Promise<void> {
  const times = selfTimes(JSON.parse(await readFile(path, "utf8")) as CpuProfile, root);
  const total = times.reduce((sum, { ms }) => sum + ms, 0);
  console.log("\nThe worker's process, self time; (idle) is waiting for the server\n");
  for (const { place, ms } of times.slice(0, listedFunctions)) {
    console.log(`${((ms / total) * 100).toFixed(1).padStart(6)} %  ${place}`);
  }
}

async function printStatements(url: string): Promise<void> {
  console.log(
    "\nThe server, triggers and warm-up included; statements within functions are counted in those, too\n",
  );
  for (const { ms, calls, rows, walBytes, query } of await statementTimes(url, listedStatements)) {
    const numbers = [
      `${numberText(ms)} ms`,
      `${calls} calls`,
      `${rows} rows`,
      `${numberText(walBytes / 1_024)} KiB WAL`,
    ];
    console.log(`  ${numbers.map((text) => text.padStart(15)).join("")}  ${query}`);
  }
}
