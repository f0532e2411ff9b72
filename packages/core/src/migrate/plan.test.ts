import { expect, test } from "vitest";
import type { Migration } from "../adapter/migrator.ts";
import { checksum, type LedgerRow, planMigrations } from "./plan.ts";

function migration(tag: string, over: Partial<Migration> = {}): Migration {
  return { tag, compatible: true, postgres: [`create ${tag}`], sqlite: [`create ${tag}`], ...over };
}

function row({ tag, compatible, postgres, sqlite }: Migration, scope = "shop"): LedgerRow {
  return { scope, tag, compatible, checksum: checksum({ tag, compatible, postgres, sqlite }) };
}

const init = migration("0001_init");
const index = migration("0002_index");
const column = migration("0003_column");
const shop = { scope: "shop", migrations: [init, index] };

test("on an empty database every migration is pending, in order", () => {
  expect(planMigrations(shop, [])).toEqual({
    pending: [init, index],
    report: { scope: "shop", applied: ["0001_init", "0002_index"], present: [], ahead: [] },
  });
});

test("what was applied is not applied again", () => {
  expect(planMigrations(shop, [row(init)])).toEqual({
    pending: [index],
    report: { scope: "shop", applied: ["0002_index"], present: ["0001_init"], ahead: [] },
  });
  expect(planMigrations(shop, [row(index), row(init)])).toEqual({
    pending: [],
    report: { scope: "shop", applied: [], present: ["0001_init", "0002_index"], ahead: [] },
  });
});

test("a scope without migrations needs nothing", () => {
  const report = { scope: "shop", applied: [], present: [], ahead: [] };
  expect(planMigrations({ scope: "shop", migrations: [] }, [])).toEqual({ pending: [], report });
});

test("another scope's rows decide nothing", () => {
  const ledger = [row(init, "blog"), { ...row(index, "blog"), checksum: "other", compatible: false }];
  expect(planMigrations(shop, ledger).pending).toEqual([init, index]);
});

test("compatible migrations of newer code are reported, in order, and stay", () => {
  const later = migration("0004_later");
  const { pending, report } = planMigrations(shop, [row(later), row(init), row(column), row(index)]);
  expect(pending).toEqual([]);
  expect(report.ahead).toEqual(["0003_column", "0004_later"]);
});

test("incompatible migrations of newer code are refused, all of them named", () => {
  const breaking = [
    migration("0003_drop", { compatible: false }),
    migration("0004_gone", { compatible: false }),
  ];
  const act = () => planMigrations(shop, [row(init), row(column), ...breaking.map((each) => row(each))]);
  const details = { scope: "shop", unknown: ["0003_drop", "0004_gone"] };
  expect(act).toThrow(expect.objectContaining({ code: "SCHEMA_NEWER", details }));
  expect(act).toThrow("incompatible migration 0003_drop, 0004_gone");
});

test("a migration that is known may be incompatible", () => {
  const breaking = migration("0002_drop", { compatible: false });
  expect(planMigrations({ scope: "shop", migrations: [init, breaking] }, [row(breaking)]).pending).toEqual([
    init,
  ]);
});

test("a migration that was edited after it was applied is refused", () => {
  const edited = { ...init, sqlite: ["create something else"] };
  const act = () => planMigrations({ scope: "shop", migrations: [edited, index] }, [row(init)]);
  const details = { scope: "shop", tag: "0001_init" };
  expect(act).toThrow(expect.objectContaining({ code: "MIGRATION_CHANGED", details }));
});

test("a change to whether a migration is compatible is no edit", () => {
  const reconsidered = { ...init, compatible: false };
  expect(planMigrations({ scope: "shop", migrations: [reconsidered] }, [row(init)]).pending).toEqual([]);
});

test("the fingerprint tells any edit of either dialect, and where statements end", () => {
  const texts: readonly (readonly [string[], string[]])[] = [
    [["a", "b"], []],
    [["ab"], []],
    [["a"], ["b"]],
    [[], ["a", "b"]],
    [["b", "a"], []],
    [["a", "b "], []],
    [["a", "😀"], []],
    [["a", "😁"], []],
  ];
  const fingerprints = texts.map(([postgres, sqlite]) => checksum(migration("a", { postgres, sqlite })));
  expect(new Set(fingerprints).size).toBe(texts.length);
  for (const each of fingerprints) expect(each).toMatch(/^[0-9a-f]{16}$/);
});

test("the fingerprint is the one that released versions left in their ledgers", () => {
  const released = migration("0001_init", {
    postgres: ["create table a (id uuid)"],
    sqlite: ["create table a (é)"],
  });
  expect(checksum(released)).toBe("d5158684c2149fee");
});
