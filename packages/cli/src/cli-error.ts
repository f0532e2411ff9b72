export type CliErrorCode =
  | "CHANGE_UNSAFE"
  | "DEFINITION_AMBIGUOUS"
  | "DEFINITION_MISSING"
  | "LABEL_INVALID"
  | "MIGRATION_FILE_INVALID"
  | "MODULE_FAILED"
  | "MODULE_MISSING"
  | "RENAME_UNDECIDED";

/** What the author can put right: the command line prints its message alone and exits with 1. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;

  constructor(code: CliErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
