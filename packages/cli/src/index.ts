export { CliError } from "./cli-error.ts";
export type { CliErrorCode } from "./cli-error.ts";
export type { TableSource } from "./drizzle/snapshot.ts";
export { checkMigrations } from "./migration/check.ts";
export { generateMigrations } from "./migration/generate.ts";
export type { GenerateOptions, GenerateResult } from "./migration/generate.ts";
export { inlineMigrations } from "./migration/inline.ts";
export type { InlineResult } from "./migration/inline.ts";
export { loadDefinition } from "./module/load-definition.ts";
