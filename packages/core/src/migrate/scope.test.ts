import { expect, test } from "vitest";
import { scopeOf } from "./scope.ts";

test("the namespace stands wherever a statement leaves room for it", () => {
  const migrations = [
    {
      tag: "0001_init",
      compatible: false,
      postgres: [
        `create table "{{namespace}}_a" ()`,
        `create index "{{namespace}}_i" on "{{namespace}}_a" (b)`,
      ],
      sqlite: ["create table `{{namespace}}_a` ()"],
    },
    { tag: "0002_none", compatible: true, postgres: [], sqlite: ["select 1"] },
  ];
  expect(scopeOf({ migrations }, "shop")).toEqual({
    scope: "shop",
    migrations: [
      {
        tag: "0001_init",
        compatible: false,
        postgres: [`create table "shop_a" ()`, `create index "shop_i" on "shop_a" (b)`],
        sqlite: ["create table `shop_a` ()"],
      },
      { tag: "0002_none", compatible: true, postgres: [], sqlite: ["select 1"] },
    ],
  });
});

test("a definition without tables has a scope without migrations", () => {
  expect(scopeOf({ migrations: [] }, "shop")).toEqual({ scope: "shop", migrations: [] });
});

test("tables whose author shipped no migrations have no scope", () => {
  expect(scopeOf({ migrations: null }, "shop")).toBe(null);
});
