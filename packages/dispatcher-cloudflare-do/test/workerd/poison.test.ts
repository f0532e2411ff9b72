import { expect, it } from "vitest";
import { Jobs } from "./jobs.ts";
import { eventually, jobsObject } from "./object.ts";

it("a hook that ends its object each time fails after its interruptions and losses, and blames none in flight with it", async () => {
  let isDoomed = false;
  const object = jobsObject({
    make(ctx, env, stage) {
      isDoomed = false;
      return new Jobs(ctx, env, stage);
    },
    dispatcher: { maxInterruptions: 2 },
    hooks: { maxLost: 3 },
    async run(label) {
      isDoomed ||= label === "poison";
      if (label === "poison") await object.abort();
      // By the next turn all that was claimed with it has begun.
      await Promise.resolve();
      if (isDoomed) await new Promise(() => {});
    },
  });
  const ids = await object.within(({ jobs }) => jobs.services.add(["mate", "poison", "another mate"]));
  const hooks = () => object.within(({ jobs }) => Promise.all(ids.map((id) => jobs.hooks.get(id))));
  await eventually(async () => {
    const statuses = (await hooks()).map((one) => one?.status);
    expect(statuses).toEqual(["completed", "failed", "completed"]);
  });
  const poisoned = object.stage.ran.filter((one) => one.startsWith("poison"));
  expect(poisoned).toEqual(["poison 1", "poison 1", "poison 1", "poison 2", "poison 3"]);
});
