import { createDurableHooksProcessor, instantiate, isSherdError, migrate, type Migration } from "@sherd/core";
import { describe, expect, it } from "vitest";
import { everyDatabase } from "../../../../tooling/databases.ts";
import { freshNamespace } from "../guarantees/probe.ts";
import { addColumn, broken, changed, dropColumn, initial, openShop, shopDefinition } from "./shop.ts";
import { rejection, useProbes } from "./use-probe.ts";

describe.each(everyDatabase)("migrations, on %s", (kind) => {
  const probes = useProbes(kind);

  /** What a release with these migrations leaves behind. */
  async function deployed(migrations: readonly Migration[]): Promise<string> {
    const namespace = freshNamespace();
    const named = migrations.map((migration) => ({
      ...migration,
      postgres: migration.postgres.map((text) => text.replaceAll("{{namespace}}", namespace)),
      sqlite: migration.sqlite.map((text) => text.replaceAll("{{namespace}}", namespace)),
    }));
    const { migrator } = probes.adapter();
    await migrator.apply([migrator.kernel, { scope: namespace, migrations: named }]);
    return namespace;
  }

  it("migrate reports what it applied, and the second time that all is present", async () => {
    const namespace = freshNamespace();
    const shop = openShop(probes.adapter(), namespace, [initial, addColumn]);
    const tags = [initial.tag, addColumn.tag];
    const [, first] = (await migrate(shop)).scopes;
    expect(first).toEqual({ scope: namespace, applied: tags, present: [], ahead: [] });
    const [kernel, second] = (await migrate(shop)).scopes;
    expect(kernel).toMatchObject({ scope: "kernel", applied: [], ahead: [] });
    expect(second).toEqual({ scope: namespace, applied: [], present: tags, ahead: [] });
  });

  it("migrate of an adapter is about its kernel alone, and of a fragment on it about both, once", async () => {
    const adapter = probes.adapter();
    const namespace = freshNamespace();
    const { scopes } = await migrate(adapter);
    expect(scopes.map(({ scope }) => scope)).toEqual(["kernel"]);
    const both = await migrate(adapter, openShop(adapter, namespace, [initial]));
    expect(both.scopes.map(({ scope, applied }) => [scope, applied])).toEqual([
      ["kernel", []],
      [namespace, [initial.tag]],
    ]);
  });

  it("a newer release applies only what is new, and keeps the rows", async () => {
    const namespace = await deployed([initial]);
    const shop = openShop(probes.adapter(), namespace, [initial, addColumn]);
    await shop.services.names().catch((error: unknown) => {
      expect(isSherdError(error, "NOT_MIGRATED") && error.details.missing).toEqual([addColumn.tag]);
    });
    const [, report] = (await migrate(shop)).scopes;
    expect(report).toEqual({ scope: namespace, applied: [addColumn.tag], present: [initial.tag], ahead: [] });
    await shop.services.add("lamp");
    expect(await shop.services.names()).toEqual(["lamp"]);
  });

  it("on a schema that is newer and compatible the older release works, and migrate reports it as ahead", async () => {
    const namespace = await deployed([initial, addColumn]);
    const shop = openShop(probes.adapter(), namespace, [initial]);
    const [, report] = (await migrate(shop)).scopes;
    expect(report).toEqual({ scope: namespace, applied: [], present: [initial.tag], ahead: [addColumn.tag] });
    await shop.services.add("lamp");
    expect(await createDurableHooksProcessor(shop)?.processDue()).toMatchObject({ completed: 1 });
  });

  it("on one that is newer and incompatible every use is SCHEMA_NEWER, and nothing is written", async () => {
    const namespace = await deployed([initial, dropColumn]);
    const shop = openShop(probes.adapter(), namespace, [initial]);
    const processor = createDurableHooksProcessor(shop);
    const uses = [() => shop.services.add("lamp"), () => processor?.wake(), () => migrate(shop)];
    for (const use of uses) {
      const refused = await rejection(Promise.resolve(use()));
      expect(isSherdError(refused, "SCHEMA_NEWER") && refused.details).toEqual({
        scope: namespace,
        unknown: [dropColumn.tag],
      });
    }
    expect(await shop.hooks.count()).toMatchObject({ pending: 0 });
  });

  it("a migration that reads differently now is MIGRATION_CHANGED, and nothing is applied", async () => {
    const namespace = await deployed([initial]);
    const other = freshNamespace();
    const shop = openShop(probes.adapter(), namespace, [changed, addColumn]);
    const refused = await rejection(migrate(openShop(probes.adapter(), other, [initial]), shop));
    expect(isSherdError(refused, "MIGRATION_CHANGED") && refused.details).toEqual({
      scope: namespace,
      tag: initial.tag,
    });
    const { migrator } = probes.adapter();
    const [report] = await migrator.apply([{ scope: other, migrations: [] }]);
    expect(report).toMatchObject({ ahead: [] });
  });

  it("a migration that fails takes everything of its call back, and can be mended", async () => {
    const [sound, ill] = [freshNamespace(), freshNamespace()];
    const shop = openShop(probes.adapter(), sound, [initial]);
    await rejection(migrate(shop, openShop(probes.adapter(), ill, [initial, broken])));
    expect(isSherdError(await rejection(shop.services.add("lamp")), "NOT_MIGRATED")).toBe(true);
    const [, report] = (await migrate(shop)).scopes;
    expect(report?.applied).toEqual([initial.tag]);
    await shop.services.add("lamp");
  });

  it("tables without migrations are MIGRATIONS_MISSING", async () => {
    const shop = openShop(probes.adapter(), freshNamespace());
    const refused = await rejection(migrate(shop));
    expect(isSherdError(refused, "MIGRATIONS_MISSING") && refused.details).toEqual({
      namespace: shop.namespace,
    });
  });

  it("what instantiate did not make is INVALID_OPTION", async () => {
    for (const odd of [{}, shopDefinition([initial]), instantiate(shopDefinition([initial]))]) {
      expect(isSherdError(await rejection(migrate(odd as never)), "INVALID_OPTION")).toBe(true);
    }
  });

  // The last one: the kernel of this database is not to be used after it.
  it("a kernel that is newer and incompatible is SCHEMA_NEWER for every fragment", async () => {
    const namespace = await deployed([initial]);
    const { migrator } = probes.adapter();
    const future: Migration = { tag: "9999_future", compatible: false, postgres: [], sqlite: [] };
    const migrations = [...migrator.kernel.migrations, future];
    await migrator.apply([{ scope: "kernel", migrations }]);
    const shop = openShop(probes.adapter(), namespace, [initial]);
    const refused = await rejection(shop.services.add("lamp"));
    expect(isSherdError(refused, "SCHEMA_NEWER") && refused.details).toEqual({
      scope: "kernel",
      unknown: [future.tag],
    });
  });
});
