import { isSherdError } from "@sherd/core";
import { drizzle } from "drizzle-orm/durable-sqlite";
import { sqliteTable, text } from "drizzle-orm/sqlite-core";
import { expect, test } from "vitest";
import { durableObjectAdapter } from "../../src/durable-object.ts";
import { inObject, openNotes } from "./inside.ts";

const order = sqliteTable("app_order", { text: text("text").notNull() });

/** An object with a table of the application's own beside the fragment's. */
function beside<T>(
  work: (opened: Awaited<ReturnType<typeof open>>, storage: DurableObjectStorage) => Promise<T>,
): Promise<T> {
  return inObject(async (storage) => work(await open(storage), storage));
}

async function open(storage: DurableObjectStorage) {
  storage.sql.exec("create table app_order (text text not null)");
  const opened = await openNotes(durableObjectAdapter(storage));
  const stored = async () => ({
    orders: [...storage.sql.exec("select text from app_order").raw()].flat(),
    notes: await opened.fragment.services.notes(),
    hooks: (await opened.fragment.hooks.count()).pending,
  });
  return { ...opened, db: drizzle(storage), stored };
}

test("within the storage, in a transaction of its own, all of it commits together", async () => {
  const stored = await beside(async ({ fragment, stored }, storage) => {
    await storage.transaction(async () => {
      storage.sql.exec("insert into app_order values ('one')");
      await fragment.within(storage, (uow) => uow.services.write("of one"));
      await Promise.resolve();
      storage.sql.exec("insert into app_order values ('two')");
    });
    return stored();
  });
  expect(stored).toEqual({ orders: ["one", "two"], notes: ["of one"], hooks: 1 });
});

test("when that transaction rolls back, after awaits too, nothing of it stays", async () => {
  const stored = await beside(async ({ fragment, stored }, storage) => {
    const transaction = storage.transaction(async () => {
      storage.sql.exec("insert into app_order values ('one')");
      await fragment.within(storage, (uow) => uow.services.write("of one"));
      await scheduler.wait(1);
      throw new Error("the card was refused");
    });
    await expect(transaction).rejects.toThrow("the card was refused");
    return stored();
  });
  expect(stored).toEqual({ orders: [], notes: [], hooks: 0 });
});

test("what the work throws comes out as it is, and its hooks are not triggered", async () => {
  const failure = new Error("not this one");
  const stored = await beside(async ({ fragment, stored }, storage) => {
    const transaction = storage.transaction(async () => {
      storage.sql.exec("insert into app_order values ('one')");
      await fragment.within(storage, async (uow) => {
        await uow.services.write("of one");
        throw failure;
      });
    });
    expect(await transaction.catch((error: unknown) => error)).toBe(failure);
    return stored();
  });
  expect(stored).toEqual({ orders: [], notes: [], hooks: 0 });
});

test("within a drizzle database on the storage, the rows of both roll back and commit together", async () => {
  const stored = await beside(async ({ db, fragment, stored }, storage) => {
    const place = (text: string, isRefused: boolean) =>
      storage.transaction(async () => {
        await db.insert(order).values({ text });
        await fragment.within(db, (uow) => uow.services.write(`of ${text}`));
        if (isRefused) throw new Error("refused");
      });
    await expect(place("refused", true)).rejects.toThrow("refused");
    await place("kept", false);
    return stored();
  });
  expect(stored).toEqual({ orders: ["kept"], notes: ["of kept"], hooks: 1 });
});

test("the hooks run after such a commit without a wake-up of anybody's", async () => {
  const woken = await beside(async ({ fragment, processor }, storage) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    await processor.subscribe({ onWake: () => resolve("woken"), onDueIn() {}, onError() {} });
    await storage.transaction(() => fragment.within(storage, (uow) => uow.services.write("one")));
    return promise;
  });
  expect(woken).toBe("woken");
});

test("a transaction of drizzle's own is refused: it is synchronous, and would have committed before the hooks", async () => {
  const stored = await beside(async ({ db, fragment, stored }) => {
    let within: Promise<unknown> = Promise.resolve();
    db.transaction((tx) => {
      tx.insert(order).values({ text: "one" }).run();
      within = fragment.within(tx, (uow) => uow.services.write("of one")).catch((thrown: unknown) => thrown);
    });
    const error = await within;
    expect(isSherdError(error, "INVALID_OPTION") && error.details.option).toBe("drizzleTransaction");
    return stored();
  });
  expect(stored).toEqual({ orders: ["one"], notes: [], hooks: 0 });
});

test("another object's storage, its database, and what is neither are refused", async () => {
  const other = await inObject(async (storage) => storage);
  await beside(async ({ fragment }) => {
    for (const transaction of [other, drizzle(other), {}, other.sql]) {
      const thrown: unknown = await fragment
        .within(transaction, (uow) => uow.services.write("one"))
        .catch((error: unknown) => error);
      expect(isSherdError(thrown, "INVALID_OPTION") && thrown.details.option).toBe("drizzleTransaction");
    }
  });
});
