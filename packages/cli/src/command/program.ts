import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { checkMigrations } from "../migration/check.ts";
import { generateMigrations } from "../migration/generate.ts";
import { renderIndexFile } from "../migration/index-file.ts";
import { inlineMigrations } from "../migration/inline.ts";
import { loadDefinition } from "../module/load-definition.ts";

interface ModuleOptions {
  readonly export?: string;
  readonly out?: string;
}

interface GenerateFlags extends ModuleOptions {
  readonly name?: string;
  readonly breaking?: true;
}

/** Run the command line; resolves with the exit code. Errors of the author's make are one line on stderr. */
export async function runProgram(argv: readonly string[], version: string): Promise<number> {
  let exitCode = 0;
  const program = new Command("sherd")
    .description("Migrations for fragments: SQL for PostgreSQL and SQLite out of one definition.")
    .version(version);
  addGenerate(program);
  addInline(program);
  addCheck(program, () => (exitCode = 1));
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    process.stderr.write(`sherd: ${error.message}\n`);
    return 1;
  }
  return exitCode;
}

function addGenerate(program: Command): void {
  program
    .command("generate")
    .summary("write the migration that a fragment's tables need")
    .description(
      "Write the migration from the last one's tables to those that the module's fragment defines now: a .sql file " +
        "for each database, a snapshot, and index.ts with all migrations inlined. Where a table or column may have " +
        "been renamed, asks in the terminal, once for each database.",
    )
    .argument("<module>", "TypeScript or JavaScript file that exports a fragment definition")
    .option("--export <name>", "which export, when there are several definitions")
    .option("--out <dir>", "where the migrations live (default: migrations/ beside the module)")
    .option("--name <label>", 'the migration\'s name (default: "init", then "change")')
    .option("--breaking", "mark the migration as one that older code cannot run with")
    .addHelpText("after", "\nExample:\n  sherd generate src/webhooks.ts --name add_secret")
    .action(async (module: string, flags: GenerateFlags) => {
      const directory = migrationsDirectory(module, flags);
      const { name: label, breaking } = flags;
      const { name, migration, files } = await withIndex(directory, async () => {
        const definition = await loadDefinition(resolve(module), flags.export);
        const result = await generateMigrations({ definition, directory, label, breaking });
        return { name: definition.name, ...result };
      });
      for (const file of files) say(`wrote ${relative(process.cwd(), file)}`);
      say(
        migration === null
          ? `${name}: nothing changed`
          : `${name}: ${migration.tag} is ${migration.compatible ? "compatible" : "breaking"}`,
      );
    });
}

function addInline(program: Command): void {
  program
    .command("inline")
    .summary("rebuild index.ts after .sql files were edited")
    .description(
      "Rebuild index.ts from the .sql files alone. A migration must not change once it is released.",
    )
    .argument("<directory>", "the migrations directory")
    .action(async (argument: string) => {
      const directory = resolve(argument);
      if (!existsSync(directory)) {
        throw new CliError("MIGRATION_FILE_INVALID", `Cannot find the directory ${directory}.`);
      }
      const { file, isWritten, migrations } = await inlineMigrations(directory);
      const path = relative(process.cwd(), file);
      say(isWritten ? `wrote ${path}: ${migrations.length} migrations` : `${path}: nothing changed`);
    });
}

function addCheck(program: Command, fail: () => void): void {
  program
    .command("check")
    .summary("fail when migrations are missing or stale (for CI)")
    .description(
      "Exit with 1 when the tables differ from the latest migration's, or index.ts from the .sql files.",
    )
    .argument("<module>", "TypeScript or JavaScript file that exports a fragment definition")
    .option("--export <name>", "which export, when there are several definitions")
    .option("--out <dir>", "where the migrations live (default: migrations/ beside the module)")
    .action(async (module: string, flags: ModuleOptions) => {
      const definition = await loadDefinition(resolve(module), flags.export);
      const problems = await checkMigrations({ definition, directory: migrationsDirectory(module, flags) });
      for (const problem of problems) process.stderr.write(`sherd: ${problem}\n`);
      if (problems.length > 0) return fail();
      say(`${definition.name}: migrations are up to date`);
    });
}

/**
 * The module imports `./migrations/index.js`, which the first `generate` is yet to make: an empty one serves until
 * then, and goes again when the work fails.
 */
async function withIndex<Result>(directory: string, work: () => Promise<Result>): Promise<Result> {
  const index = join(directory, "index.ts");
  if (existsSync(index)) return work();
  const created = await mkdir(directory, { recursive: true });
  await writeFile(index, renderIndexFile([]));
  try {
    return await work();
  } catch (error) {
    await rm(created ?? index, { recursive: true });
    throw error;
  }
}

function migrationsDirectory(module: string, { out }: ModuleOptions): string {
  return resolve(out ?? join(dirname(module), "migrations"));
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
