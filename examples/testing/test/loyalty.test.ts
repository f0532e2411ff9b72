import { type DatabaseAdapter, instantiate, migrate } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { drainHooks, expectTriggered, loseFirstAttempts, testClock } from "@sherd/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { loyalty, naiveLoyalty } from "../src/loyalty.ts";
import { FakeProvider } from "./points-provider.ts";

const clock = testClock();

/** A fragment on an empty database in memory, with a provider that keeps its points. */
async function open(definition: typeof loyalty, wrap = (adapter: DatabaseAdapter) => adapter) {
  const databaseAdapter = wrap(sqliteAdapter(":memory:", { clock }));
  onTestFinished(() => databaseAdapter.close());
  const provider = new FakeProvider();
  const fragment = instantiate(definition)
    .withConfig(provider)
    .withOptions({ databaseAdapter, durableHooks: { clock } })
    .build();
  await migrate(fragment);
  return { fragment, provider };
}

describe.each([
  ["naive", naiveLoyalty],
  ["idempotent", loyalty],
])("the %s fragment", (_name, definition) => {
  test("a purchase triggers a credit, which reaches the provider", async () => {
    const { fragment, provider } = await open(definition);
    await fragment.services.purchase("ada", 4_250);
    await expectTriggered(fragment, "credit", { customer: "ada", points: 42 }, { times: 1 });

    expect(await drainHooks(fragment)).toEqual({ completed: ["credit"], failed: [], pending: [] });
    expect(provider.balanceOf("ada")).toBe(42);
  });

  test("a credit that the provider refuses is tried again a minute later", async () => {
    const { fragment, provider } = await open(definition);
    provider.failures = 1;
    await fragment.services.purchase("ada", 4_250);

    expect(await drainHooks(fragment, { throwOnFailure: false })).toMatchObject({ pending: ["credit"] });
    expect(await drainHooks(fragment, { withScheduled: true, clock })).toMatchObject({
      completed: ["credit"],
    });
    expect(provider.balanceOf("ada")).toBe(42);
  });
});

describe("a worker that dies after the provider has answered, and before that is stored", () => {
  test("has the naive fragment credit the points twice", async () => {
    const { fragment, provider } = await open(naiveLoyalty, loseFirstAttempts);
    await fragment.services.purchase("ada", 4_250);
    await drainHooks(fragment, { withScheduled: true, clock });
    expect(provider.balanceOf("ada")).toBe(84);
  });

  test("changes nothing for the idempotent one", async () => {
    const { fragment, provider } = await open(loyalty, loseFirstAttempts);
    await fragment.services.purchase("ada", 4_250);
    await drainHooks(fragment, { withScheduled: true, clock });
    expect(provider.balanceOf("ada")).toBe(42);
  });
});
