import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { temporaryDirectory } from "./author.ts";

// Each story starts several processes.
vi.setConfig({ testTimeout: 60_000 });

const bin = join(import.meta.dirname, "../src/bin.ts");
const core = join(import.meta.dirname, "../../core");

const source = `
import { defineFragment } from "@sherd/core";
import { migrations } from "./migrations/index.js";
enum Kind { Small = "small" }
export const notes = defineFragment("notes")
  .withTables((t) => ({ note: t.table("note", { id: t.id(), kind: t.text("kind").default(Kind.Small) }) }), { migrations })
  .build();
export default notes;
`;

/** A project whose module can be loaded; `install` decides what `@sherd/core` means in it. */
async function project(module: string, install: (modules: string) => Promise<void> = installWorkspaceCore) {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, "node_modules/@sherd"), { recursive: true });
  await writeFile(join(directory, "package.json"), `{ "type": "module" }`);
  await writeFile(join(directory, "notes.ts"), module);
  await install(join(directory, "node_modules"));
  return directory;
}

async function installWorkspaceCore(modules: string) {
  await symlink(core, join(modules, "@sherd/core"));
}

/** A published core has no sources and no \`@sherd/source\` condition; this one says that it was asked. */
async function installPublishedCore(modules: string) {
  await mkdir(join(modules, "@sherd/core/dist"), { recursive: true });
  const manifest = { name: "@sherd/core", type: "module", exports: { ".": { default: "./dist/index.js" } } };
  await writeFile(join(modules, "@sherd/core/package.json"), JSON.stringify(manifest));
  await writeFile(
    join(modules, "@sherd/core/dist/index.js"),
    `export function defineFragment(name) {
       const built = { name: name + "-installed", buildTables: () => ({}), buildHooks: () => ({}), buildServices: () => ({}) };
       return { withTables: (buildTables) => ({ build: () => ({ ...built, buildTables }) }), build: () => built };
     }`,
  );
}

function sherd(cwd: string, ...programArguments: string[]) {
  const run = spawnSync(process.execPath, ["--conditions=@sherd/source", bin, ...programArguments], {
    cwd,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

test("a TypeScript module is generated, found unchanged, checked and inlined", async () => {
  const directory = await project(source);
  const first = sherd(directory, "generate", "notes.ts");
  expect(first).toEqual({
    status: 0,
    err: "",
    out: expect.stringContaining("notes: 0001_init is compatible\n"),
  });
  expect(first.out).toContain("wrote migrations/0001_init.postgres.sql\n");
  expect(sherd(directory, "generate", "notes.ts").out).toBe("notes: nothing changed\n");
  expect(sherd(directory, "check", "notes.ts")).toMatchObject({ status: 0 });

  const file = join(directory, "migrations/0001_init.sqlite.sql");
  await writeFile(file, (await readFile(file, "utf8")).replace("compatible", "breaking"));
  expect(sherd(directory, "check", "notes.ts")).toMatchObject({
    status: 1,
    err: expect.stringContaining("sherd inline"),
  });
  expect(sherd(directory, "inline", "migrations")).toMatchObject({ status: 0 });
  expect(sherd(directory, "check", "notes.ts")).toMatchObject({ status: 0, err: "" });
});

test("flags choose the label, the directory and the compatibility", async () => {
  const directory = await project(source.replace("./migrations/", "./sql/"));
  const run = sherd(directory, "generate", "notes.ts", "--out", "sql", "--name", "begin", "--breaking");
  expect(run.out).toContain("notes: 0001_begin is breaking");
  expect(existsSync(join(directory, "sql/0001_begin.postgres.sql"))).toBe(true);
});

test("a project's installed core is the one that its module gets", async () => {
  const directory = await project(source, installPublishedCore);
  expect(sherd(directory, "generate", "notes.ts").out).toContain("notes-installed: 0001_init is compatible");
});

test("a project without a core of its own gets the command line's", async () => {
  const directory = await project(source, async () => {});
  expect(sherd(directory, "generate", "notes.ts")).toMatchObject({ status: 0, err: "" });
});

test("an author's mistake is one line and exit code 1, and leaves no files behind", async () => {
  const cases: readonly (readonly [string, readonly string[], RegExp])[] = [
    [source, ["nothing.ts"], /^sherd: Cannot find the module .*nothing\.ts\.\n$/],
    ["throw new Error('no config')", ["notes.ts"], /^sherd: Cannot load .*notes\.ts: no config\n$/],
    ["export const x = 1", ["notes.ts"], /^sherd: .* exports no fragment definition\. Export what/],
    [
      `${source}export const more = defineFragment("more").build();`,
      ["notes.ts"],
      /several fragment definitions: .*more/,
    ],
    [source, ["notes.ts", "--name", "a b"], /^sherd: Cannot name a migration "a b"/],
    [source, ["notes.ts", "--export", "other"], /exports no fragment definition "other"\. Its .*: .*notes/],
  ];
  for (const [module, programArguments, message] of cases) {
    const directory = await project(module);
    expect(sherd(directory, "generate", ...programArguments)).toEqual({
      status: 1,
      out: "",
      err: expect.stringMatching(message),
    });
    expect(existsSync(join(directory, "migrations"))).toBe(false);
  }
});

test("--export chooses among several definitions", async () => {
  const directory = await project(`${source}export const more = defineFragment("more").build();`);
  expect(sherd(directory, "generate", "notes.ts", "--export", "notes").out).toContain("notes: 0001_init");
});

test("--help names the commands, --version the version", async () => {
  const directory = await temporaryDirectory();
  expect(sherd(directory, "--help").out).toMatch(/generate .*<module>[^]*inline .*<directory>[^]*check /);
  expect(sherd(directory, "--version").out).toMatch(/^\d+\.\d+\.\d+\n$/);
});
