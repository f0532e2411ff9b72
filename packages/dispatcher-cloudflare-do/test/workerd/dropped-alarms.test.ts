import { fixed } from "@sherd/core";
import { describe, expect, it } from "vitest";
import type { Jobs } from "./jobs.ts";
import { eventually, jobsObject, type TestObject } from "./object.ts";

/** What comes by after an alarm was lost: any one of them is enough. */
const visitors = {
  "a request": async (object: TestObject<Jobs>) => {
    await object.fetch("/elsewhere");
  },
  status: async (object: TestObject<Jobs>) => {
    await object.within((inside) => inside.status());
  },
  "a new incarnation": async (object: TestObject<Jobs>) => {
    await object.abort();
    await object.alarm();
  },
} as const;

describe.each(Object.keys(visitors) as (keyof typeof visitors)[])(
  "%s makes up for an alarm that was lost",
  (name) => {
    const visit = visitors[name];

    it("after a trigger", async () => {
      const object = jobsObject();
      await object.within(async ({ jobs }, { storage }) => {
        await jobs.services.add(["a"]);
        await storage.deleteAlarm();
      });
      await visit(object);
      await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
      await eventually(async () => expect(await object.alarm()).toBeNull());
    });

    it("after a retry was scheduled", async () => {
      const object = jobsObject({
        run: (_, { attempt }) => {
          if (attempt === 1) throw new Error("Once.");
        },
      });
      const retry = fixed({ delayMs: 1_000, maxAttempts: 2 });
      await object.within(({ jobs }) => jobs.services.add(["a"], { retry }));
      await eventually(() => expect(object.stage.ran).not.toEqual([]));
      await object.within((inside) => inside.drain());
      await object.dropAlarm();
      await visit(object);
      await eventually(() => expect(object.stage.ran).toEqual(["a 1", "a 2"]));
    });

    it("in the middle of a run", async () => {
      const gate = Promise.withResolvers<void>();
      const object = jobsObject({ run: (label) => (label === "a" ? gate.promise : undefined) });
      const retry = fixed({ delayMs: 0, maxAttempts: 2 });
      await object.within(({ jobs }) => jobs.services.add(["a"], { retry }));
      await eventually(() => expect(object.stage.ran).toEqual(["a 1"]));
      await object.within(async ({ jobs }, { storage }) => {
        await jobs.services.add(["b"]);
        await storage.deleteAlarm();
      });
      gate.resolve();
      await visit(object);
      // A platform that saw the alarm's handler die tries it again by itself first.
      await eventually(() => expect(object.stage.ran).toContain("b 1"));
      await eventually(async () =>
        expect(await object.within(async ({ jobs }) => (await jobs.hooks.count()).completed)).toBe(2),
      );
    });

    it("after a run, before a timed hook", async () => {
      const object = jobsObject();
      const processAt = new Date(Date.now() + 800);
      await object.within(({ jobs }) =>
        jobs.transaction(async (uow) => {
          await uow.services.add(["a"]);
          await uow.services.add(["timed"], { processAt });
        }),
      );
      await eventually(async () =>
        expect(await object.within(async ({ jobs }) => (await jobs.hooks.count()).completed)).not.toBe(0),
      );
      await object.within((inside) => inside.drain());
      await object.dropAlarm();
      await visit(object);
      await eventually(() => expect(object.stage.ran).toEqual(["a 1", "timed 1"]));
    });

    it("that setAlarm had asked for", async () => {
      const object = jobsObject();
      const mine = Date.now() + 3_600_000;
      await object.within((inside) => inside.ask(mine));
      await object.dropAlarm();
      await visit(object);
      expect(await object.alarm()).toBe(mine);
    });
  },
);

it("an alarm that somebody moved to later is moved back", async () => {
  const object = jobsObject();
  const [dueAt, movedTo] = [Date.now() + 3_600_000, Date.now() + 7_200_000];
  await object.within(async ({ jobs }, { storage }) => {
    await jobs.services.add(["a"], { processAt: new Date(dueAt) });
    await storage.setAlarm(movedTo);
  });
  await object.fetch("/elsewhere");
  expect(Math.abs(((await object.alarm()) ?? 0) - dueAt)).toBeLessThan(50);
});

it("a request to an object whose alarm is in place asks the database nothing", async () => {
  const object = jobsObject();
  await object.within(({ jobs }) =>
    jobs.services.add(["a"], { processAt: new Date(Date.now() + 3_600_000) }),
  );
  await object.abort();
  await object.fetch("/elsewhere");
  await object.within((_, { storage }) =>
    storage.sql.exec("ALTER TABLE sherd_item RENAME TO sherd_item_away"),
  );
  expect((await object.fetch("/elsewhere")).status).toBe(404);
});
