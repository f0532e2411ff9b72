import {
  defineFragment,
  type DurableHooksOptions,
  fixed,
  hook,
  instantiate,
  migrate,
  noRetry,
} from "@sherd/core";
import type { DatabaseAdapter, HookContext, TriggerOptions } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import { type TestClock, testClock } from "@sherd/testing";
import { onTestFinished } from "vitest";
import { z } from "zod";

type Send = (
  mail: { readonly to: string; readonly subject: string },
  ctx: HookContext<unknown, unknown>,
) => Promise<void> | void;

export const mailer = defineFragment<{ readonly send: Send }>("mailer")
  .withHooks(({ config }) => ({
    mail: hook({
      input: z.object({ to: z.string(), subject: z.string() }),
      retry: fixed({ delayMs: 60_000, maxAttempts: 3 }),
      run: (mail, ctx) => config.send(mail, ctx),
    }),
    remind: hook({
      input: z.object({ at: z.iso.datetime().transform((text) => new Date(text)) }),
      retry: noRetry(),
      run: () => config.send({ to: "all", subject: "reminder" }, {} as never),
    }),
    audit: hook({ run() {} }),
  }))
  .withHooks(({ config }) => ({
    /** Mails everyone, and goes on with the rest by itself. */
    newsletter: hook({
      input: z.array(z.string()),
      retry: noRetry(),
      timeoutMs: 30_000,
      async run([to, ...rest], ctx) {
        await config.send({ to: to ?? "nobody", subject: "news" }, ctx);
        await ctx.transaction(async (uow) => {
          uow.triggerHook("audit");
          if (rest.length > 0) uow.triggerSelf(rest);
        });
      },
    }),
  }))
  .withServices(() => ({
    register: (uow, to: string, options?: TriggerOptions) =>
      uow.triggerHook("mail", { to, subject: "welcome" }, options),
    publish: (uow, to: readonly string[]) => uow.triggerHook("newsletter", [...to]),
    remindAt: (uow, at: Date) => uow.triggerHook("remind", { at: at.toISOString() }, { processAt: at }),
    fail(uow) {
      uow.triggerHook("audit");
      throw new Error("rolled back");
    },
  }))
  .withRoutes(({ services: { register } }) => ({
    fetch: async (request) => new Response(await register(await request.text())),
  }))
  .build();

interface Given {
  readonly send?: Send;
  readonly clock?: TestClock;
  readonly durableHooks?: DurableHooksOptions;
  readonly wrap?: (adapter: DatabaseAdapter) => DatabaseAdapter;
}

/** A mailer on an empty database, under one clock, and what it sent. */
export async function openMailer({ send, clock = testClock(), durableHooks, wrap = (it) => it }: Given = {}) {
  const sent: string[] = [];
  const databaseAdapter = wrap(sqliteAdapter(":memory:", { clock }));
  onTestFinished(() => databaseAdapter.close());
  const fragment = instantiate(mailer)
    .withConfig({
      async send(mail, ctx) {
        sent.push(mail.to);
        await send?.(mail, ctx);
      },
    })
    .withOptions({ databaseAdapter, durableHooks: { clock, ...durableHooks } })
    .build();
  await migrate(fragment);
  return { fragment, sent, clock, databaseAdapter };
}
