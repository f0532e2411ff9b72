import { defineFragment, type HookContext, NonRetryable } from "@sherd/core";
import { expectTriggered, performHook } from "@sherd/testing";
import { describe, expect, it } from "vitest";
import { mailer, openMailer } from "./mailer.ts";

type Context = HookContext<unknown, unknown>;

/** A config that keeps what its handlers gave it. */
function recording() {
  const calls: { readonly to: string; readonly ctx: Context }[] = [];
  return { calls, config: { send: ({ to }: { to: string }, ctx: Context) => void calls.push({ to, ctx }) } };
}

describe("performHook", () => {
  it("runs one handler without a database, in the context of a first attempt", async () => {
    const { calls, config } = recording();
    await performHook(mailer, "mail", { to: "ada", subject: "hi" }, { config });
    expect(calls).toMatchObject([{ to: "ada", ctx: { attempt: 1, maxAttempts: 3, trace: null } }]);
    const ctx = calls[0]?.ctx;
    expect(ctx?.idempotencyKey).toBe(ctx?.id);
    expect(ctx?.signal.aborted).toBe(false);
    expect(ctx?.createdAt).toBeInstanceOf(Date);
  });

  it("gives the handler what of the context the test made up", async () => {
    const { calls, config } = recording();
    const signal = AbortSignal.abort();
    const given = { id: "1", attempt: 3, signal, trace: { span: 1 }, createdAt: new Date(0) };
    await performHook(mailer, "mail", { to: "ada", subject: "hi" }, { config, ...given });
    expect(calls[0]?.ctx).toMatchObject({ ...given, idempotencyKey: "1" });
    await performHook(
      mailer,
      "mail",
      { to: "ada", subject: "hi" },
      { config, ...given, idempotencyKey: "k" },
    );
    expect(calls[1]?.ctx).toMatchObject({ id: "1", idempotencyKey: "k" });
  });

  it("rejects with the very error that the handler throws", async () => {
    const error = new NonRetryable("no such address");
    const config = { send: () => Promise.reject(error) };
    const performed = performHook(mailer, "mail", { to: "ada", subject: "hi" }, { config });
    await expect(performed).rejects.toBe(error);
  });

  it("hands the payload over as JSON and the schema make it", async () => {
    const { calls, config } = recording();
    await performHook(mailer, "remind", { at: "2026-01-01T00:00:00Z" }, { config });
    expect(calls).toHaveLength(1);
    await expect(performHook(mailer, "remind", { at: "soon" }, { config })).rejects.toMatchObject({
      code: "PAYLOAD_INVALID",
      details: { hook: "remind", issues: [{ path: "at" }] },
    });
    await performHook(mailer, "audit", null, { config });
  });

  it("commits ctx.transaction in the fragment that it is given, once", async () => {
    const { fragment, sent } = await openMailer();
    const { config } = recording();
    await performHook(mailer, "newsletter", ["ada", "bob"], { config, fragment });
    expect(sent).toEqual([]);
    await expectTriggered(fragment, "audit", undefined, { times: 1 });
    await expectTriggered(fragment, "newsletter", ["bob"], { times: 1 });
    const transact = async (_: unknown, ctx: Context) => void (await ctx.transaction(async () => {}));
    const again = performHook(mailer, "newsletter", ["ada"], { config: { send: transact }, fragment });
    await expect(again).rejects.toMatchObject({ code: "TRANSACTION_ENDED" });
  });

  it("without a fragment, ctx.transaction is INVALID_OPTION", async () => {
    const { config } = recording();
    const performed = performHook(mailer, "newsletter", ["ada"], { config });
    await expect(performed).rejects.toMatchObject({
      code: "INVALID_OPTION",
      details: { option: "performHook.fragment" },
    });
  });

  it("a name that the fragment does not have is UNKNOWN_HOOK", async () => {
    const definition = defineFragment("empty").build();
    await expect(performHook(definition, "nothing" as never, null as never)).rejects.toMatchObject({
      code: "UNKNOWN_HOOK",
    });
  });
});
