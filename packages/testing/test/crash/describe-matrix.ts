import { readFileSync } from "node:fs";
import { sqliteAdapter } from "@sherd/sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Children, openChildren } from "./child.ts";
import type { Databases } from "./databases.ts";
import { type Matrix, type Row, runMatrix } from "./matrix.ts";
import { scenarios } from "./scenarios.ts";
import { page, renderSection } from "./table.ts";

export interface MatrixUnderTest {
  readonly kind: Databases["kind"];
  readonly open: (folder: string) => Promise<Databases>;
  /** The names of the statements in the adapter's source. */
  readonly written: () => ReadonlySet<string>;
}

/** The tests of one database: a process dies at every statement, before and after it. */
export function describeMatrix({ kind, open, written }: MatrixUnderTest): void {
  describe(`a process that is killed at any statement, on ${kind}`, () => {
    let children: Children;
    let databases: Databases;
    let matrix: Matrix;
    beforeAll(async () => {
      children = await openChildren();
      databases = await open(children.folder);
      matrix = await runMatrix(children, databases);
    }, 180_000);
    afterAll(async () => {
      await databases.remove();
      await children.end();
    }, 60_000);

    const played = scenarios.filter(({ only }) => only === undefined || kind.toLowerCase().startsWith(only));
    const statements = () => new Set(matrix.rows.map(({ statement }) => statement));

    it.each(played)("breaks no promise when it dies as it is to $name", ({ name }) => {
      const rows = matrix.rows.filter(({ scenario }) => scenario === name);
      expect(rows).not.toEqual([]);
      expect(rows.filter(({ violations }) => violations.length > 0)).toEqual([]);
    });

    it("leaves a hook behind if and only if it died after the commit", () => {
      for (const commit of ["transaction/commit", "application/commit"]) {
        const deaths = matrix.rows.filter(({ statement }) => statement === commit);
        const triggering = deaths.filter(({ scenario }) => scenario.startsWith("trigger "));
        expect(triggering.map(foundNothing)).toEqual(triggering.map(({ phase }) => phase === "before"));
        expect(triggering).not.toEqual([]);
      }
    });

    it("dies at every statement that any scenario sends", () => {
      expect([...matrix.sent].filter((statement) => !statements().has(statement))).toEqual([]);
    });

    it("dies at every statement that the adapter has", () => {
      const died = new Set([...statements()].map((statement) => statement.split("/")[1]));
      expect(written().size).toBeGreaterThan(10);
      expect([...written()].filter((statement) => !died.has(statement))).toEqual([]);
    });

    it("dies in every verb of the storage contract", () => {
      const verbs = new Set([...statements()].map((statement) => statement.split("/")[0]?.toLowerCase()));
      const contract = Object.keys(sqliteAdapter(":memory:").storage);
      expect(contract.filter((verb) => !verbs.has(verb.toLowerCase()))).toEqual([]);
    });

    it("does what docs/crash-table.md says", async () => {
      const sections = readFileSync(page, "utf8").split(/^(?=## )/m);
      const written = sections.find((section) => section.startsWith(`## ${kind}\n`)) ?? "";
      expect(written.trimEnd().split("\n")).toEqual(
        (await renderSection(kind, matrix)).trimEnd().split("\n"),
      );
    });
  });
}

function foundNothing({ result }: Row): boolean {
  return result.startsWith("no hook");
}
