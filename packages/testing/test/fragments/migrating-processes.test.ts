import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type MigrationReport, migrate } from "@sherd/core";
import { describe, expect, it, onTestFinished } from "vitest";
import { sharedDatabases, useDatabase } from "../../../../tooling/databases.ts";
import { addColumn, initial, openShop } from "./shop.ts";

const script = fileURLToPath(new URL("migrate-once.ts", import.meta.url));

/** Start a process that migrates when it is told to. */
async function startMigrator(location: string, namespaces: readonly string[]) {
  const child = fork(script, [location, ...namespaces], {
    execArgv: ["--conditions=@sherd/source"],
    stdio: "inherit",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child, "message");
  return {
    async migrate(): Promise<MigrationReport> {
      const report = once(child, "message");
      const ended = once(child, "exit");
      child.send("go");
      const end = ended.then(([code]) =>
        Promise.reject(new Error(`It ended with ${code} before its report.`)),
      );
      const [answer] = (await Promise.race([report, end])) as [MigrationReport];
      expect(await ended).toEqual([0, null]);
      return answer;
    },
  };
}

describe.each(sharedDatabases)("four processes that migrate at once on %s", (kind) => {
  const database = useDatabase(kind);
  const namespaces = ["north", "south"];

  it("all succeed, each migration is applied by exactly one, and the fragments work", async () => {
    const location = database.location ?? "";
    const processes = await Promise.all(Array.from({ length: 4 }, () => startMigrator(location, namespaces)));
    const reports = await Promise.all(processes.map((each) => each.migrate()));
    for (const { scopes } of reports)
      expect(scopes.map(({ scope }) => scope)).toEqual(["kernel", ...namespaces]);
    const adapter = database.adapter();
    const tags = {
      kernel: adapter.migrator.kernel.migrations.map(({ tag }) => tag),
      north: [initial.tag, addColumn.tag],
      south: [initial.tag, addColumn.tag],
    };
    for (const [scope, all] of Object.entries(tags)) {
      const ofScope = reports.flatMap(({ scopes }) => scopes.filter((each) => each.scope === scope));
      expect(ofScope.flatMap(({ applied }) => applied)).toEqual(all);
      for (const { applied, present } of ofScope) expect([...present, ...applied]).toEqual(all);
    }
    const shop = openShop(adapter, "north", [initial, addColumn]);
    expect(await migrate(shop)).toEqual({
      scopes: (["kernel", "north"] as const).map((scope) => ({
        scope,
        applied: [],
        present: tags[scope],
        ahead: [],
      })),
    });
    await shop.services.add("lamp");
    expect(await shop.services.names()).toEqual(["lamp"]);
  }, 30_000);
});
