import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

const registry = env.REGISTRY.getByName(crypto.randomUUID());

test("the longest overdue are answered first, and no more than the limit", async () => {
  for (const [tenant, dueAt] of [
    ["third", 3],
    ["first", 1],
    ["second", 2],
    ["fourth", 4],
  ] as const)
    await registry.expect(tenant, dueAt);

  expect(await registry.overdue(4, 2)).toMatchObject([{ tenant: "first" }, { tenant: "second" }]);
  expect(await registry.overdue(4, 9)).toHaveLength(3);
});

test("a tenant of which something was expected while it was asked is neither forgotten nor put off", async () => {
  await registry.expect("acme", -1);
  const [asked] = await registry.overdue(0, 9);
  await registry.expect("acme", -1);
  for (const dueAt of [null, 1_000]) {
    await registry.note([{ tenant: "acme", version: asked?.version ?? "", dueAt }]);
    expect(await registry.overdue(0, 9)).toMatchObject([{ tenant: "acme" }]);
  }
});

test("a tenant that is forgotten and expected again is not forgotten by an older answer", async () => {
  await registry.expect("zeta", -2);
  const [asked] = await registry.overdue(-1, 9);
  const answer = { tenant: "zeta", version: asked?.version ?? "", dueAt: null };
  await registry.note([answer]);
  expect(await registry.overdue(-1, 9)).toEqual([]);
  await registry.expect("zeta", -2);
  await registry.note([answer]);

  expect(await registry.overdue(-1, 9)).toMatchObject([{ tenant: "zeta" }]);
});

test("a tenant that is busy is asked as soon as one that is not", async () => {
  await registry.expect("busy", -3);
  await registry.expect("busy", 3);

  expect(await registry.overdue(-2, 9)).toMatchObject([{ tenant: "busy" }]);
});
