import { type DatabaseAdapter, defineFragment, hook, instantiate } from "@sherd/core";
import { z } from "zod";

/** What the Worker's handlers did, for the tests to see. */
export const ran: string[] = [];
export const interrupted: unknown[] = [];

const definition = defineFragment<{ readonly cut: () => Promise<void> }>("mails")
  .withHooks(({ config }) => ({
    send: hook({
      input: z.object({ to: z.string(), hangsAt: z.array(z.number()) }),
      async run({ to, hangsAt }, { attempt, signal }) {
        ran.push(`${to}, attempt ${attempt}`);
        if (to === "cut") await config.cut();
        if (!hangsAt.includes(ran.filter((each) => each.startsWith(to)).length)) return;
        await new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason as Error)),
        );
      },
    }),
  }))
  .withServices(() => ({
    send: (uow, to: string, hangsAt: readonly number[] = []) =>
      uow.triggerHook("send", { to, hangsAt: [...hangsAt] }),
  }))
  .build();

/** Mails whose handlers can have the Worker's own connections `cut`. */
export function openMails(adapter: DatabaseAdapter, cut = async () => {}) {
  return instantiate(definition)
    .withConfig({ cut })
    .withOptions({
      databaseAdapter: adapter,
      durableHooks: {
        onEvent: (event) => {
          if (event.type === "given-back") interrupted.push(event.id);
        },
      },
    })
    .build();
}
