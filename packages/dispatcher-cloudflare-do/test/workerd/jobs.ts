import { type DatabaseAdapter, defineFragment, hook, instantiate, type TriggerOptions } from "@sherd/core";
import { durableObjectAdapter } from "@sherd/sqlite/durable-object";
import { z } from "zod";
import { FragmentDurableObject } from "../../src/index.ts";
import type { Stage } from "./stage.ts";

const definition = defineFragment<Stage>("jobs")
  .withHooks(({ config: stage }) => ({
    job: hook({
      input: z.object({ label: z.string(), text: z.string().optional() }),
      async run({ label, text }, ctx) {
        stage.ran.push(`${label} ${ctx.attempt}`);
        await stage.run(text ?? label, ctx);
      },
    }),
  }))
  .withServices(() => ({
    async add(uow, labels: readonly string[], options?: TriggerOptions) {
      return labels.map((label) => uow.triggerHook("job", { label }, options));
    },
    async addText(uow, label: string, text: string) {
      return uow.triggerHook("job", { label, text });
    },
  }))
  .withRoutes(({ services }) => ({
    async fetch(request: Request) {
      return Response.json(await services.add([await request.text()]));
    },
  }))
  .build();

export function jobsOn(databaseAdapter: DatabaseAdapter, stage: Stage, namespace = "jobs") {
  return instantiate(definition)
    .withConfig(stage)
    .withOptions({ databaseAdapter, namespace, durableHooks: stage.hooks })
    .build();
}

/** The object that a user would write. */
export class Jobs extends FragmentDurableObject<unknown> {
  readonly jobs;
  protected override readonly dispatcherOptions;

  constructor(ctx: DurableObjectState, env: unknown, stage: Stage) {
    super(ctx, env);
    this.jobs = this.use(jobsOn(durableObjectAdapter(ctx.storage, stage.adapter), stage));
    this.dispatcherOptions = {
      onProcessError: (error: unknown, context: { namespace: string }) =>
        stage.errors.push({ error, context }),
      ...stage.dispatcher,
    };
  }

  /** Have `alarm` called for a test's own purposes. */
  ask(at: Date | number | null): Promise<void> {
    return this.setAlarm(at);
  }
}
