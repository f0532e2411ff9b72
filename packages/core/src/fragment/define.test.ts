import { expect, test } from "vitest";
import { hook } from "../hook/hook.ts";
import { defineFragment, requireNamespace } from "./define.ts";
import { tableBuilder } from "./tables.ts";

const scope = { config: undefined, tables: {} } as never;
const run = () => {};

const refusal = (option: string, received: unknown) =>
  expect.objectContaining({ code: "INVALID_OPTION", details: { option, received } });

test("a definition without parts has empty ones", () => {
  const definition = defineFragment("shop").build();
  expect(definition).toMatchObject({ name: "shop", migrations: [], buildRoutes: null });
  expect(definition.buildTables(tableBuilder("sqlite", "shop"))).toEqual({});
  expect(definition.buildHooks(scope)).toEqual({});
  expect(definition.buildServices(scope)).toEqual({});
});

test.each(["a", "shop", "shop-2", "web_hooks", "a".repeat(40)])("%o is a name", (name) => {
  expect(defineFragment(name).build().name).toBe(name);
  expect(requireNamespace("options.namespace", name)).toBe(name);
});

test.each(["", "Shop", "2shop", "-shop", "_shop", "my shop", "shop\n", "shöp", "a".repeat(41), 5 as never])(
  "%o is no name",
  (name) => {
    expect(() => defineFragment(name)).toThrow(refusal("name", name));
    expect(() => requireNamespace("options.namespace", name)).toThrow(refusal("options.namespace", name));
  },
);

test("tables come with the migrations that their author shipped, and with null where none were", () => {
  const migrations = [{ tag: "0001_init", compatible: true, postgres: [], sqlite: [] }];
  const build = () => ({});
  expect(defineFragment("shop").withTables(build, { migrations }).build().migrations).toBe(migrations);
  expect(defineFragment("shop").withTables(build).build().migrations).toBe(null);
});

test("hooks and services of several calls add up, each built from the config and the tables", () => {
  const seen: unknown[] = [];
  const definition = defineFragment<{ secret: string }>("shop")
    .withHooks((given) => (seen.push(given), { first: hook({ run }) }))
    .withHooks((given) => (seen.push(given), { second: hook({ run }) }))
    .withServices((given) => (seen.push(given), { one: async () => 1 }))
    .withServices((given) => (seen.push(given), { two: async () => 2 }))
    .build();
  const given = { config: { secret: "s" }, tables: {} };
  expect(Object.keys(definition.buildHooks(given))).toEqual(["first", "second"]);
  expect(Object.keys(definition.buildServices(given))).toEqual(["one", "two"]);
  expect(seen).toEqual([given, given, given, given]);
});

test("a step changes none before it, so one beginning can end in two definitions", () => {
  const base = defineFragment("shop").withHooks(() => ({ first: hook({ run }) }));
  const more = base
    .withHooks(() => ({ second: hook({ run }) }))
    .withRoutes(() => ({ fetch: () => new Response() }));
  expect(Object.keys(base.build().buildHooks(scope))).toEqual(["first"]);
  expect(base.build().buildRoutes).toBe(null);
  expect(Object.keys(more.build().buildHooks(scope))).toEqual(["first", "second"]);
});

test("the routes are the last ones given", () => {
  const routes = { fetch: () => new Response("ok") };
  const definition = defineFragment("shop")
    .withRoutes(() => routes)
    .build();
  expect(definition.buildRoutes?.({ config: undefined, services: {} })).toBe(routes);
});

test("a hook or a service that is defined twice is refused when it is built", () => {
  const hooks = defineFragment("shop")
    .withHooks(() => ({ deliver: hook({ run }) }))
    .withHooks(() => ({ deliver: hook({ run }) }))
    .build();
  expect(() => hooks.buildHooks(scope)).toThrow(refusal(`shop: hook "deliver"`, "deliver"));
  const services = defineFragment("shop")
    .withServices(() => ({ publish: async () => 1 }))
    .withServices(() => ({ publish: async () => 2 }))
    .build();
  expect(() => services.buildServices(scope)).toThrow(refusal(`shop: service "publish"`, "publish"));
});

test("a hook or a service may have a name that every object knows", () => {
  const definition = defineFragment("shop")
    .withHooks(() => ({ constructor: hook({ run }) }))
    .withServices(() => ({ valueOf: async () => 1 }))
    .build();
  expect(Object.keys(definition.buildHooks(scope))).toEqual(["constructor"]);
  expect(Object.keys(definition.buildServices(scope))).toEqual(["valueOf"]);
});
