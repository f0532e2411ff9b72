/**
 * Type-checks the TypeScript of markdown pages, in memory. A page's blocks are read as its reader does: each one sees
 * what the blocks above it imported and declared. A block marked `ts alone` sees nothing of them.
 */
import { join, resolve } from "node:path";
import ts from "typescript";
import { type CodeBlock, codeBlocks, hiddenScope } from "./markdown.ts";

export interface Page {
  readonly name: string;
  readonly text: string;
}

const root = resolve(import.meta.dirname, "..");
/** Where the modules would stand if they were files: this package has every adapter and driver to import from. */
const home = join(root, "packages/testing/snippets");
const migrations = `import type { Migration } from "@sherd/core";\nexport declare const migrations: readonly Migration[];\n`;

/** Type-check the pages: a line `page:line: message` for each mistake. */
export function checkSnippets(pages: readonly Page[]): readonly string[] {
  return [
    ...checkUnder(
      "tsconfig.json",
      pages.filter((page) => !isForWorkers(page)),
    ),
    ...checkUnder("tsconfig.workers.json", pages.filter(isForWorkers)),
  ];
}

/** Pages with code for Cloudflare's Workers are checked with the types of that platform. */
function isForWorkers({ text }: Page): boolean {
  return codeBlocks(text).some(({ code }) => code.includes("@sherd/dispatcher-cloudflare-do"));
}

function checkUnder(config: string, pages: readonly Page[]): readonly string[] {
  const modules = new Map(pages.flatMap((page) => modulesOf(page)));
  modules.set(join(home, "migrations/index.ts"), migrations);
  const program = ts.createProgram([...modules.keys()], compilerOptions(config), hostOf(modules));
  return [...modules.keys()].flatMap((file) => {
    const source = program.getSourceFile(file);
    if (source === undefined) return [`${file}: was not compiled`];
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    return found.map((diagnostic) => describe(file, source, diagnostic));
  });
}

/** The modules of a page, whose line numbers are the page's. */
function modulesOf({ name, text }: Page): [file: string, text: string][] {
  const blocks = codeBlocks(text);
  const lines = text.split("\n").length;
  const together = blocks.filter(({ info }) => info === "ts");
  const alone = blocks.filter(({ info }) => info === "ts alone");
  const file = (suffix: string) => join(home, `${name.replaceAll("/", "~")}${suffix}.ts`);
  return [
    [file(""), moduleOf(together, hiddenScope(text), lines)],
    ...alone.map((block): [string, string] => [file(`~${block.line}`), moduleOf([block], "", lines)]),
  ];
}

/** Each block is nested in the one above it; imports and hidden code stand on the first line, that of a page's title. */
function moduleOf(blocks: readonly CodeBlock[], hidden: string, lines: number): string {
  const imports = new Set<string>();
  const scope = withoutModuleSyntax(hidden, imports).replaceAll("\n", " ");
  const result = Array<string>(lines).fill("");
  for (const { line, code } of blocks) {
    result[line - 1] = "{";
    for (const [index, text] of withoutModuleSyntax(code, imports).split("\n").entries()) {
      result[line + index] ||= text;
    }
  }
  result[0] = `${[...imports].join(" ")} export {}; ${scope}`;
  return `${result.join("\n")}\n${"}".repeat(blocks.length)}\n`;
}

/** Blank out what may not stand in a block, in place, and collect the imports. */
function withoutModuleSyntax(code: string, imports: Set<string>): string {
  const source = ts.createSourceFile("block.ts", code, ts.ScriptTarget.Latest, true);
  let result = code;
  const blank = (node: ts.Node) => {
    const start = node.getStart(source);
    const blanks = code.slice(start, node.end).replaceAll(/[^\n]/g, " ");
    result = result.slice(0, start) + blanks + result.slice(node.end);
  };
  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      for (const each of importsOf(statement)) imports.add(each);
      blank(statement);
    } else if (ts.isExportAssignment(statement)) {
      const start = statement.getStart(source);
      const end = statement.expression.getStart(source);
      result = result.slice(0, start) + "const _ =".padEnd(end - start) + result.slice(end);
    } else if (ts.canHaveModifiers(statement)) {
      for (const modifier of ts.getModifiers(statement) ?? []) {
        if (modifier.kind === ts.SyntaxKind.ExportKeyword) blank(modifier);
      }
    }
  }
  return result;
}

/** One import for each name. Other files of the reader's own are blocks above, except for what `sherd generate` writes. */
function importsOf({ importClause, moduleSpecifier }: ts.ImportDeclaration): readonly string[] {
  const from = moduleSpecifier.getText();
  if (/^["']\./.test(from) && !from.includes("/migrations/")) return [];
  const type = importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? "type " : "";
  const names: string[] = [];
  if (importClause?.name !== undefined) names.push(importClause.name.text);
  const bindings = importClause?.namedBindings;
  if (bindings !== undefined && ts.isNamedImports(bindings)) {
    names.push(...bindings.elements.map((element) => `{ ${element.getText()} }`));
  } else if (bindings !== undefined) {
    names.push(bindings.getText());
  }
  return names.map((name) => `import ${type}${name} from ${from};`);
}

function compilerOptions(name: string): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(root, name), (file) => ts.sys.readFile(file));
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, root);
  const paths = { "@sherd/*": [join(root, "packages/*/src/index.ts")] };
  return { ...options, paths, noUnusedLocals: false, noUnusedParameters: false };
}

function hostOf(modules: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost({});
  return {
    ...host,
    directoryExists: (path) => path.startsWith(home) || ts.sys.directoryExists(path),
    fileExists: (file) => modules.has(file) || host.fileExists(file),
    readFile: (file) => modules.get(file) ?? host.readFile(file),
    getSourceFile(file, version, ...rest) {
      const text = modules.get(file);
      return text === undefined
        ? host.getSourceFile(file, version, ...rest)
        : ts.createSourceFile(file, text, version);
    },
  };
}

function describe(file: string, source: ts.SourceFile, { start = 0, messageText }: ts.Diagnostic): string {
  const page = file.slice(home.length + 1).replace(/(~\d+)?\.ts$/, "");
  const { line } = source.getLineAndCharacterOfPosition(start);
  return `${page.replaceAll("~", "/")}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, " ")}`;
}
