/** The kernel's migrations, numbered and immutable once released. */
import type { Migration } from "@sherd/core";
import { init } from "./0001_init.ts";
import { claim } from "./0002_claim.ts";
import { settle } from "./0003_settle.ts";
import { sweep } from "./0004_sweep.ts";
import { operate } from "./0005_operate.ts";
import { pull } from "./0006_pull.ts";
import { block } from "./0007_block.ts";

const migration = (tag: string, postgres: readonly string[]): Migration => ({
  tag,
  compatible: true,
  postgres,
  sqlite: [],
});

export const migrations: readonly Migration[] = [
  migration("0001_init", init),
  migration("0002_claim", claim),
  migration("0003_settle", settle),
  migration("0004_sweep", sweep),
  migration("0005_operate", operate),
  migration("0006_pull", pull),
  migration("0007_block", block),
];
