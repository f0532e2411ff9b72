import {
  createDurableHooksProcessor,
  type DatabaseAdapter,
  defineFragment,
  fixed,
  hook,
  type HookContext,
  instantiate,
  migrate,
  type Migration,
} from "@sherd/core";
import { expect } from "vitest";
import type { Guarantees } from "../guarantee.ts";

const effect = (uuid: string) =>
  `create table "{{namespace}}_effect" (id ${uuid} primary key not null, note text not null)`;
const migrations: readonly Migration[] = [
  { tag: "0001_init", compatible: true, postgres: [effect("uuid")], sqlite: [effect("text")] },
];

type Run = (
  payload: unknown,
  ctx: HookContext<unknown, unknown>,
  commit: (note: string) => Promise<void>,
) => Promise<void> | void;

const definition = defineFragment<{ readonly run: Run }>("engine")
  .withTables((t) => ({ effect: t.table("effect", { id: t.id(), note: t.text("note").notNull() }) }), {
    migrations,
  })
  .withHooks(({ config, tables }) => ({
    work: hook({
      input: {
        "~standard": { version: 1, vendor: "sherd", validate: (value: unknown) => ({ value }) },
      } as const,
      retry: fixed({ delayMs: 0, maxAttempts: 4 }),
      run: (payload, ctx) =>
        config.run(payload, ctx as never, (note) =>
          ctx.transaction(async (uow) => void (await uow.db.insert(tables.effect).values({ note }))),
        ),
    }),
  }))
  .withServices(({ tables }) => ({
    notes: async (uow) => (await uow.db.select().from(tables.effect)).map(({ note }) => note),
  }))
  .build();

/** A whole fragment with its processor over the adapter, as one process has them. */
async function open(databaseAdapter: DatabaseAdapter, namespace: string, run: Run) {
  const fragment = instantiate(definition)
    .withConfig({ run })
    .withOptions({ databaseAdapter, namespace, durableHooks: { concurrency: 7 } })
    .build();
  await migrate(fragment);
  const processor = createDurableHooksProcessor(fragment);
  if (processor === null) throw new Error("The fragment has a hook.");
  const trigger = (...payloads: readonly unknown[]) =>
    fragment.transaction(async (uow) => payloads.map((payload) => uow.triggerHook("work", payload as never)));
  return { fragment, processor, trigger };
}

const freshNamespace = () => `e${crypto.randomUUID().replaceAll("-", "").slice(0, 16)}`;

/** The third ring: a whole engine over the adapter. */
export const engine: Guarantees = {
  "a hook runs if its transaction has committed, and never if it was rolled back": async (q) => {
    const ran: unknown[] = [];
    const { fragment, processor, trigger } = await open(
      q.adapter,
      freshNamespace(),
      (payload) => void ran.push(payload),
    );
    await trigger("committed");
    const withdrawn = fragment.transaction(async (uow) => {
      uow.triggerHook("work", "rolled back" as never);
      throw new Error("withdrawn");
    });
    await expect(withdrawn).rejects.toThrow("withdrawn");
    expect(await processor.processDue()).toMatchObject({ completed: 1, failed: 0, nextWakeAt: null });
    expect(ran).toEqual(["committed"]);
  },

  "what a hook writes in its transaction takes effect once, however often it fails before": async (q) => {
    const { fragment, processor, trigger } = await open(
      q.adapter,
      freshNamespace(),
      async (payload, ctx, commit) => {
        if (ctx.attempt < 3) throw new Error("not yet");
        await commit(`${String(payload)} #${ctx.attempt}`);
      },
    );
    const [id = ""] = await trigger("charge");
    expect(await processor.processDue()).toMatchObject({ completed: 1, failed: 2 });
    expect(await fragment.services.notes()).toEqual(["charge #3"]);
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "completed", attempts: 3 });
  },

  "of two processes each hook is run by one": async (q) => {
    const namespace = freshNamespace();
    const ran: unknown[] = [];
    const run: Run = (payload) => void ran.push(payload);
    const first = await open(q.adapters[0], namespace, run);
    const second = q.adapters[1] === q.adapters[0] ? first : await open(q.adapters[1], namespace, run);
    const payloads = Array.from({ length: 60 }, (_, index) => index);
    await first.trigger(...payloads);
    await Promise.all([first.processor.wake(), second.processor.wake()]);
    await Promise.all([first.processor.processDue(), second.processor.processDue()]);
    expect(ran.toSorted((a, b) => Number(a) - Number(b))).toEqual(payloads);
    expect(await first.fragment.hooks.count()).toMatchObject({
      completed: 60,
      pending: 0,
      processing: 0,
      failed: 0,
    });
  },

  "what a stopping process interrupts is given back, and uses up no attempt": async (q) => {
    const { fragment, processor, trigger } = await open(q.adapter, freshNamespace(), (_payload, ctx) => {
      const { promise, reject } = Promise.withResolvers<void>();
      ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason as Error));
      return promise;
    });
    const [id = ""] = await trigger("interrupted");
    await processor.wake();
    await processor.stop({ deadlineMs: 0 });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "pending", attempts: 0, owner: null });
  },

  "a hook that fails every time ends as failed, and runs again when it is retried by hand": async (q) => {
    let isHealthy = false;
    const { fragment, processor, trigger } = await open(q.adapter, freshNamespace(), () => {
      if (!isHealthy) throw new Error("down");
    });
    const [id = ""] = await trigger("order");
    expect(await processor.processDue()).toMatchObject({ completed: 0, failed: 4 });
    expect(await fragment.hooks.get(id)).toMatchObject({ status: "failed", lastError: { message: "down" } });
    isHealthy = true;
    await fragment.hooks.retry(id);
    expect(await processor.processDue()).toMatchObject({ completed: 1, failed: 0 });
  },
};
