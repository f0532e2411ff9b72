import { durableObjectAdapter } from "@sherd/sqlite/durable-object";
import { expect, it } from "vitest";
import { Jobs, jobsOn } from "./jobs.ts";
import { eventually, objectWith } from "./object.ts";
import type { Stage } from "./stage.ts";

/** What of the mails' database fails. */
interface Mailbox {
  broken: readonly string[];
}

class Office extends Jobs {
  readonly mails;

  constructor(ctx: DurableObjectState, env: unknown, stage: Stage, mailbox: Mailbox) {
    super(ctx, env, stage);
    const adapter = durableObjectAdapter(ctx.storage, {
      onStatement({ verb }) {
        if (mailbox.broken.includes(verb)) throw new Error("The mails are out of reach.");
      },
    });
    this.mails = this.use(jobsOn(adapter, stage, "mails"));
  }
}

function office(given: Partial<Stage<Office>> = {}) {
  const mailbox: Mailbox = { broken: [] };
  const object = objectWith((ctx, env, stage) => new Office(ctx, env, stage, mailbox), given);
  return { mailbox, ...object };
}

it("two fragments on one object share its alarm, and each has its own hooks and routes", async () => {
  const { within, fetch, stage, alarm } = office();
  await fetch("/jobs", { method: "POST", body: "job" });
  await fetch("/mails", { method: "POST", body: "mail" });
  await eventually(() => expect(stage.ran.toSorted()).toEqual(["job 1", "mail 1"]));
  await eventually(async () => expect(await alarm()).toBeNull());
  const counts = await within(({ jobs, mails }) => Promise.all([jobs.hooks.count(), mails.hooks.count()]));
  expect(counts.map(({ completed }) => completed)).toEqual([1, 1]);
  expect((await fetch("/mailsandmore")).status).toBe(404);
});

it("when one fragment cannot be processed, the other one's hooks run", async () => {
  const { within, stage, mailbox } = office();
  await within(async ({ jobs, mails }) => {
    await mails.services.add(["mail"]);
    await jobs.services.add(["job"]);
    mailbox.broken = ["sweep", "claim"];
  });
  await eventually(() => expect(stage.ran).toEqual(["job 1"]));
  await eventually(() => expect(stage.errors.length).toBeGreaterThanOrEqual(1));
  expect(stage.errors[0]).toMatchObject({
    error: { message: "The mails are out of reach." },
    context: { namespace: "mails" },
  });
  await within(({ jobs }) => jobs.services.add(["another job"]));
  await eventually(() => expect(stage.ran).toEqual(["job 1", "another job 1"]));
  mailbox.broken = [];
  await eventually(() => expect(stage.ran.at(-1)).toBe("mail 1"));
});

it.each(["list", "settle"])(
  "when one fragment's hooks cannot be taken back (%s), the other one's are",
  async (verb) => {
    const { within, stage, mailbox, abort } = office({ run: () => new Promise(() => {}) });
    await within(async ({ jobs, mails }) => {
      await mails.services.add(["mail"]);
      await jobs.services.add(["job"]);
    });
    await eventually(() => expect(stage.ran).toHaveLength(2));
    stage.run = () => {};
    await abort();
    mailbox.broken = [verb];
    await within((inside) => inside.status()).catch(() => {});
    await eventually(() => expect(stage.ran.slice(2)).toEqual(["job 1"]));
    mailbox.broken = [];
    await eventually(() => expect(stage.ran.slice(2)).toEqual(["job 1", "mail 1"]));
  },
  15_000,
);
