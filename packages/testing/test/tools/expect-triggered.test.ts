import type { HookView } from "@sherd/core";
import { drainHooks, expectNotTriggered, expectTriggered, HookAssertionError } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { openMailer } from "./mailer.ts";

async function rejection(promise: Promise<unknown>): Promise<HookAssertionError> {
  const error = await promise.then(
    () => null,
    (raised: unknown) => raised,
  );
  if (error instanceof HookAssertionError) return error;
  throw new Error("It was to be rejected with an assertion error.", { cause: error });
}

describe("expectTriggered", () => {
  it("finds a hook by its name, by a part of its payload, and by a matcher in it", async () => {
    const { fragment } = await openMailer();
    const ada = await fragment.services.register("ada");
    const bob = await fragment.services.register("bob");
    const ids = async (found: Promise<readonly HookView[]>) => (await found).map(({ id }) => id);
    expect(await ids(expectTriggered(fragment, "mail"))).toEqual([ada, bob]);
    expect(await ids(expectTriggered(fragment, "mail", { to: "bob" }))).toEqual([bob]);
    expect(await ids(expectTriggered(fragment, "mail", { to: expect.stringMatching(/^a/) }))).toEqual([ada]);
  });

  it("finds a hook that still waits and one that has run, unless the status is given", async () => {
    const { fragment } = await openMailer();
    await fragment.services.register("ada");
    await expectTriggered(fragment, "mail", { to: "ada" }, { status: "pending" });
    await drainHooks(fragment);
    await expectTriggered(fragment, "mail", { to: "ada" });
    await expectTriggered(fragment, "mail", { to: "ada" }, { status: "completed" });
    await rejection(expectTriggered(fragment, "mail", { to: "ada" }, { status: "pending" }));
  });

  it("compares the options of the trigger that are given", async () => {
    const { fragment, clock } = await openMailer();
    const processAt = new Date(clock.now() + 60_000);
    await fragment.services.register("ada", { key: "k", priority: 3, concurrencyKey: "c", processAt });
    const about = { key: "k", priority: 3, concurrencyKey: "c", dueAt: processAt };
    await expectTriggered(fragment, "mail", undefined, about);
    for (const other of [{ key: null }, { priority: 0 }, { concurrencyKey: "d" }, { dueAt: new Date(0) }]) {
      await rejection(expectTriggered(fragment, "mail", undefined, { ...about, ...other }));
    }
  });

  it("counts them when it is told how many there are", async () => {
    const { fragment } = await openMailer();
    await fragment.services.register("ada");
    await fragment.services.register("ada");
    await expectTriggered(fragment, "mail", { to: "ada" }, { times: 2 });
    const { message } = await rejection(expectTriggered(fragment, "mail", { to: "ada" }, { times: 1 }));
    expect(message).toContain('{"to":"ada"} to have been triggered 1 time by "mailer". It was 2 times.');
  });

  it("says what was triggered instead, for people and for a diff", async () => {
    const { fragment } = await openMailer();
    await fragment.services.register("bob", { key: "k" });
    await drainHooks(fragment);
    await fragment.services.publish(["x".repeat(300)]);
    const error = await rejection(expectTriggered(fragment, "mail", { to: "ada" }));
    expect(error.message).toBe(
      'Expected "mail" with a payload with {"to":"ada"} to have been triggered by "mailer". It was not. These were:\n' +
        '  "mail" (completed) {"to":"bob","subject":"welcome"} key k\n' +
        `  "newsletter" (pending) ["${"x".repeat(198)}…`,
    );
    expect(error).toMatchObject({
      name: "AssertionError",
      actual: [{ to: "bob", subject: "welcome" }],
      expected: [{ to: "ada" }],
    });
  });

  it("does not count what was rolled back, and says so when nothing was triggered", async () => {
    const { fragment } = await openMailer();
    await expect(fragment.services.fail()).rejects.toThrow("rolled back");
    const { message } = await rejection(expectTriggered(fragment, "audit"));
    expect(message).toContain("No hook was: did the transaction commit, and on this database?");
  });

  it("lists the first twenty hooks and the number of the others", async () => {
    const { fragment } = await openMailer();
    for (let mail = 0; mail < 23; mail++) await fragment.services.register(`${mail}`);
    const { message } = await rejection(expectTriggered(fragment, "audit"));
    expect(message.split("\n")).toHaveLength(22);
    expect(message).toMatch(/… and 3 more$/);
  });
});

describe("expectNotTriggered", () => {
  it("passes when no hook fits, and lists those that do", async () => {
    const { fragment } = await openMailer();
    await fragment.services.register("ada");
    await fragment.services.register("bob");
    await expectNotTriggered(fragment, "audit");
    await expectNotTriggered(fragment, "mail", { to: "cleo" });
    await expectNotTriggered(fragment, "mail", { to: "ada" }, { status: "completed" });
    const { message } = await rejection(expectNotTriggered(fragment, "mail", { to: "ada" }));
    expect(message).toBe(
      'Expected "mail" with a payload with {"to":"ada"} not to have been triggered by "mailer". These were:\n' +
        '  "mail" (pending) {"to":"ada","subject":"welcome"}',
    );
  });
});
