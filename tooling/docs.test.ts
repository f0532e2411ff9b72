import { existsSync, globSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { SherdError, type SherdErrorCode } from "../packages/core/src/index.ts";
import ts from "typescript";
import { describe, expect, test } from "vitest";
import { anchorOf, codeBlocks, inlineCode, links, readPage, type Section, sections } from "./markdown.ts";
import { checkSnippets } from "./snippets.ts";

const root = resolve(import.meta.dirname, "..");
const names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "docs/**/*.md", "packages/*/README.md"];
const pages = globSync(names, { cwd: root })
  .sort()
  .map((name) => ({ name, text: readPage(join(root, name)) }));

describe("every page", () => {
  test("has TypeScript that compiles", { timeout: 60_000 }, () => {
    expect(
      pages.flatMap(({ text }) => codeBlocks(text)).filter(({ info }) => info === "ts").length,
    ).toBeGreaterThan(30);
    expect(checkSnippets(pages)).toEqual([]);
  });

  test.each(pages)("$name marks each block with a language that is checked or needs no check", ({ text }) => {
    const infos = codeBlocks(text).map(({ info }) => info);
    expect(
      infos.filter((info) => !["ts", "ts alone", "sh", "sql", "text", "mermaid"].includes(info)),
    ).toEqual([]);
  });

  test.each(pages)("$name links to pages and headings that exist", ({ name, text }) => {
    const internal = links(text).filter((link) => !/^[a-z]+:/.test(link));
    expect(internal.filter((link) => !leadsSomewhere(name, link))).toEqual([]);
  });

  test.each(pages)("$name names files that exist", ({ text }) => {
    const files = inlineCode(text).filter((word) =>
      /^(packages|examples|tooling|docs|\.changeset)\/[\w./-]+$/.test(word),
    );
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });
});

describe("README.md", () => {
  const text = readPage(join(root, "README.md"));

  test("has at most 100 lines, and shows code by line 15", () => {
    expect(text.trimEnd().split("\n").length).toBeLessThanOrEqual(100);
    expect(codeBlocks(text)[0]?.line).toBeLessThanOrEqual(15);
  });

  test("shows the fragment of examples/webhooks, shortened", () => {
    const sample = codeBlocks(text)[0]?.code ?? "";
    const example = readPage(join(root, "examples/webhooks/src/webhooks.ts"));
    const parts = /\w+: t\.\w+\("?\w*"?[),]|\w+: hook\(|async \w+\(uow|uow\.triggerHook\("\w+"/g;
    const shared = sample.match(parts) ?? [];
    expect(shared.length).toBeGreaterThan(5);
    expect(shared.filter((part) => !example.includes(part))).toEqual([]);
  });

  test("names every package", () => {
    for (const name of globSync("packages/*", { cwd: root })) {
      expect(text).toContain(`\`@sherd/${relative("packages", name)}\``);
    }
  });
});

describe("docs/errors.md", () => {
  const all = sections(readPage(join(root, "docs/errors.md")));
  const part = (title: string) => {
    const start = all.findIndex(({ heading }) => heading === title);
    const rest = all.slice(start + 1);
    const end = rest.findIndex(({ level }) => level <= 2);
    return rest.slice(0, end === -1 ? undefined : end);
  };
  const core = part("Errors of Sherd");
  const details = membersOf("packages/core/src/errors.ts", "SherdErrorDetails");

  test("lists every code of Sherd's, and no other", () => {
    expect(core.map(({ heading }) => heading)).toEqual([...details.keys()]);
  });

  test("lists every code of the command line's, and no other", () => {
    const codes = unionOf("packages/cli/src/cli-error.ts", "CliErrorCode");
    expect(part("Errors of the command line").map(({ heading }) => heading)).toEqual(codes);
  });

  test.each(core)("$heading: names its details, and says whether it is retryable", (section: Section) => {
    const code = section.heading as SherdErrorCode;
    const words = inlineCode(section.text);
    for (const name of details.get(code) ?? []) expect(words).toContain(name);
    const { retryable } = new SherdError(code, "", {} as never);
    expect(section.text).toContain(retryable ? "Retryable: yes" : "Retryable: no");
  });
});

function leadsSomewhere(from: string, link: string): boolean {
  const [path = "", anchor] = link.split("#");
  const file = path === "" ? join(root, from) : join(root, dirname(from), path);
  if (!existsSync(file)) return false;
  if (anchor === undefined) return true;
  return sections(readPage(file)).some(({ heading }) => anchorOf(heading) === anchor);
}

/** The members of an interface, and those of each one's type. */
function membersOf(file: string, name: string): ReadonlyMap<string, readonly string[]> {
  const found = parse(file).statements.find((it) => ts.isInterfaceDeclaration(it) && it.name.text === name);
  if (found === undefined || !ts.isInterfaceDeclaration(found)) throw new Error(`${file} has no ${name}`);
  return new Map(
    found.members.filter(ts.isPropertySignature).map(({ name: member, type }) => {
      const properties = type !== undefined && ts.isTypeLiteralNode(type) ? type.members : [];
      return [member.getText(), properties.map((property) => property.name?.getText() ?? "")] as const;
    }),
  );
}

/** The texts of a union of literals. */
function unionOf(file: string, name: string): readonly string[] {
  const found = parse(file).statements.find((it) => ts.isTypeAliasDeclaration(it) && it.name.text === name);
  if (found === undefined || !ts.isTypeAliasDeclaration(found) || !ts.isUnionTypeNode(found.type))
    throw new Error(`${file} has no union ${name}`);
  return found.type.types.map((type) => type.getText().replaceAll('"', ""));
}

function parse(file: string): ts.SourceFile {
  return ts.createSourceFile(file, readPage(join(root, file)), ts.ScriptTarget.Latest, true);
}
