import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { FragmentDefinition } from "@sherd/core";
import { createJiti } from "jiti";
import { CliError } from "../cli-error.ts";

type AnyDefinition = FragmentDefinition<never, object, unknown, unknown>;

/**
 * Load a TypeScript or JavaScript module and pick the fragment definition that it exports: the one named
 * `exportName`, or else the only one. Fails with `MODULE_MISSING`, `MODULE_FAILED`, `DEFINITION_MISSING` or
 * `DEFINITION_AMBIGUOUS`.
 */
export async function loadDefinition(file: string, exportName?: string): Promise<AnyDefinition> {
  if (!existsSync(file)) throw new CliError("MODULE_MISSING", `Cannot find the module ${file}.`);
  const definitions = Object.entries(await importModule(file)).filter(
    (entry): entry is [string, AnyDefinition] => isDefinition(entry[1]),
  );
  const names = definitions.map(([name]) => name).join(", ");
  if (exportName !== undefined) {
    const chosen = definitions.find(([name]) => name === exportName)?.[1];
    if (chosen !== undefined) return chosen;
    const others =
      names === "" ? "It exports no fragment definition." : `Its fragment definitions: ${names}.`;
    throw new CliError(
      "DEFINITION_MISSING",
      `${file} exports no fragment definition "${exportName}". ${others}`,
    );
  }
  const [first, ...rest] = new Set(definitions.map(([, definition]) => definition));
  if (first === undefined) {
    throw new CliError(
      "DEFINITION_MISSING",
      `${file} exports no fragment definition. Export what \`defineFragment(…)….build()\` returns.`,
    );
  }
  if (rest.length > 0) {
    throw new CliError(
      "DEFINITION_AMBIGUOUS",
      `${file} exports several fragment definitions: ${names}. Choose with --export.`,
    );
  }
  return first;
}

async function importModule(file: string): Promise<object> {
  const jiti = createJiti(import.meta.url, {
    fsCache: false,
    interopDefault: false,
    alias: { "@sherd/core": resolveCore(file) },
  });
  try {
    return await jiti.import<object>(file);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("MODULE_FAILED", `Cannot load ${file}: ${why}`, { cause });
  }
}

/** The module's own copy, or else this package's. Jiti itself does not know Node's `--conditions`; both of these do. */
function resolveCore(file: string): string {
  try {
    return createRequire(file).resolve("@sherd/core");
  } catch {
    return fileURLToPath(import.meta.resolve("@sherd/core"));
  }
}

function isDefinition(value: unknown): value is AnyDefinition {
  if (typeof value !== "object" || value === null) return false;
  const { name, buildTables, buildHooks, buildServices } = value as Record<string, unknown>;
  return (
    typeof name === "string" &&
    [buildTables, buildHooks, buildServices].every((it) => typeof it === "function")
  );
}
