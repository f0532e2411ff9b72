import type { TableBuilder } from "@sherd/core";
import { expect, test } from "vitest";
import { requireSoundRenames } from "./renames.ts";
import { takeSnapshots } from "./snapshot.ts";
import { rebuildWithinTransaction } from "./sqlite-rebuild.ts";

const snapshotsOf = (columns: (t: TableBuilder) => Parameters<TableBuilder["table"]>[1]) =>
  takeSnapshots({
    name: "notes",
    buildTables: (t) => ({ note: t.table("note", { id: t.id(), ...columns(t) }) }),
  });

const rename = {
  postgres: [`ALTER TABLE "__namespace___note" RENAME COLUMN "body" TO "text";`],
  sqlite: [`ALTER TABLE \`__namespace___note\` RENAME COLUMN "body" TO "text";`],
};

test("a renamed column passes when nothing else about it changes, in both dialects alike", async () => {
  const previous = await snapshotsOf((t) => ({ body: t.text("body") }));
  const current = await snapshotsOf((t) => ({ text: t.text("text") }));
  requireSoundRenames(rename, previous, current);
  expect(() => requireSoundRenames({ ...rename, sqlite: [] }, previous, current)).toThrow(/same answers/);
});

test("a renamed column that also changes is refused", async () => {
  const previous = await snapshotsOf((t) => ({ body: t.text("body").notNull() }));
  const current = await snapshotsOf((t) => ({ text: t.text("text") }));
  expect(() => requireSoundRenames(rename, previous, current)).toThrow(
    /Cannot rename "note.body" and change it/,
  );
});

test("a rebuild while one column goes and another comes is refused, as it may be a rename", async () => {
  const previous = await snapshotsOf((t) => ({ body: t.text("body") }));
  const current = await snapshotsOf((t) => ({ text: t.text("text") }));
  const rebuild = ["CREATE TABLE `__new___namespace___note` (`id` text);", "INSERT", "DROP", "ALTER"];
  expect(() => rebuildWithinTransaction(rebuild, previous.sqlite, current.sqlite)).toThrow(
    expect.objectContaining({ code: "CHANGE_UNSAFE" }),
  );
});
