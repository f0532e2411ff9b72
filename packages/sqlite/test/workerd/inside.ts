import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import {
  createDurableHooksProcessor,
  type DatabaseAdapter,
  defineFragment,
  hook,
  instantiate,
  migrate,
} from "@sherd/core";
import { z } from "zod";

/** Run `work` inside an object that no other test uses, with its storage. */
export function inObject<T>(work: (storage: DurableObjectStorage) => Promise<T>): Promise<T> {
  return runInDurableObject(env.HOST.getByName(crypto.randomUUID()), (_, { storage }) => work(storage));
}

const text = "create table {{namespace}}_note (id text primary key not null, text text not null)";

const definition = defineFragment("notes")
  .withTables((t) => ({ note: t.table("note", { id: t.id(), text: t.text("text").notNull() }) }), {
    migrations: [{ tag: "0001_init", compatible: true, postgres: [text], sqlite: [text] }],
  })
  .withHooks(() => ({ index: hook({ input: z.string(), run() {} }) }))
  .withServices(() => ({
    async write(uow, note: string) {
      await uow.db.insert(uow.tables.note).values({ text: note });
      uow.triggerHook("index", note);
    },
    triggerMany(uow, count: number) {
      for (let index = 0; index < count; index++) uow.triggerHook("index", `note ${index}`);
    },
    async notes(uow) {
      return (await uow.db.select().from(uow.tables.note)).map((row) => row.text);
    },
  }))
  .build();

/** A fragment that keeps notes, each of which triggers a hook that does nothing, migrated. */
export async function openNotes(adapter: DatabaseAdapter) {
  const fragment = instantiate(definition).withOptions({ databaseAdapter: adapter }).build();
  await migrate(fragment);
  const processor = createDurableHooksProcessor(fragment);
  if (processor === null) throw new Error("The fragment has hooks, so it has a processor.");
  return { fragment, processor };
}
