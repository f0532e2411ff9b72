import { createDurableHooksProcessor, defineFragment, fixed, hook, instantiate, migrate } from "@sherd/core";
import { durableObjectAdapter } from "@sherd/sqlite/durable-object";
import { z } from "zod";
import { FragmentDurableObject } from "../../src/index.ts";

const notes = defineFragment("notes")
  .withHooks(() => ({
    note: hook({
      input: z.object({ text: z.string() }),
      retry: fixed({ delayMs: 100, maxAttempts: 3 }),
      async run({ text }, ctx) {
        ran.push(text + ctx.attempt);
        if (text === "hang" && ran.filter((r) => r.startsWith("hang")).length === 1) await new Promise(() => {});
        if (text === "bad" && ctx.attempt === 1) throw new Error("once");
      },
    }),
  }))
  .withServices(() => ({
    async write(uow, text: string) {
      uow.triggerHook("note", { text });
    },
  }))
  .build();
export const ran: string[] = [];
export class Host extends FragmentDurableObject {
  readonly notes = this.use(instantiate(notes).withOptions({ databaseAdapter: durableObjectAdapter(this.ctx.storage) }).build());
  write(text: string) { return this.notes.services.write(text); }
}
export default { fetch: () => new Response() };
