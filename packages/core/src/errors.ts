/** What each code carries beside its message. docs/errors.md lists them all. */
export interface SherdErrorDetails {
  CANCELLED: { readonly id: string };
  DATABASE_BUSY: { readonly waitedMs: number };
  DATABASE_UNAVAILABLE: { readonly verb: string };
  FRAGMENT_MISMATCH: { readonly namespace: string };
  HOOK_NOT_FOUND: { readonly namespace: string; readonly id: string };
  HOOK_STATE: { readonly namespace: string; readonly id: string; readonly status: string };
  HOOK_STUCK: { readonly id: string; readonly timeoutMinutes: number };
  HOOK_TIMEOUT: { readonly id: string; readonly timeoutMs: number };
  INTERRUPTED: { readonly id: string };
  INVALID_OPTION: { readonly option: string; readonly received: unknown };
  INVALID_REQUEST: { readonly call: string; readonly field: string; readonly received: unknown };
  KEY_CONFLICT: { readonly queue: string; readonly key: string; readonly existingId: string | null };
  LEASE_EXPIRED: AboutSubject & { readonly currentRevision: number };
  LEASE_LOST: { readonly id: string };
  MIGRATION_CHANGED: { readonly scope: string; readonly tag: string };
  MIGRATIONS_MISSING: { readonly namespace: string };
  NAMESPACE_TAKEN: { readonly namespace: string };
  NESTED_TRANSACTION: Record<never, never>;
  NOT_LEASED: AboutSubject & { readonly currentRevision: number; readonly status: string };
  NOT_MIGRATED: { readonly scope: string | null; readonly missing: readonly string[] };
  PAYLOAD_INVALID: { readonly hook: string; readonly issues: readonly PayloadIssue[] };
  PAYLOAD_NOT_SERIALIZABLE: { readonly hook: string; readonly path: string };
  PAYLOAD_TOO_LARGE: { readonly hook: string; readonly bytes: number; readonly maxBytes: number };
  REVISION_CONFLICT: AboutSubject & { readonly revision: number; readonly currentRevision: number };
  ROUTES_MISSING: { readonly namespace: string };
  SCHEMA_NEWER: { readonly scope: string; readonly unknown: readonly string[] };
  SUBJECT_NOT_FOUND: AboutSubject;
  SUBJECT_TIMEOUT: AboutSubject & { readonly timeoutMs: number };
  TRANSACTION_ENDED: { readonly namespace: string; readonly hook: string };
  UNKNOWN_HOOK: { readonly namespace: string; readonly hook: string; readonly known: readonly string[] };
}

interface AboutSubject {
  readonly dispatcherId: string;
  readonly subjectKey: string;
}

export interface PayloadIssue {
  /** Where in the payload, `a.b[0]`; empty for the payload itself. */
  readonly path: string;
  readonly message: string;
}

export type SherdErrorCode = keyof SherdErrorDetails;

const brand = Symbol.for("sherd.error");

/** Whether the same call may succeed when it is simply made again. */
const retryableCodes: ReadonlySet<SherdErrorCode> = new Set(["DATABASE_BUSY", "DATABASE_UNAVAILABLE"]);

/** Every error that Sherd makes. Branch on it with `isSherdError(error, code)`. */
export class SherdError<Code extends SherdErrorCode = SherdErrorCode> extends Error {
  override readonly name = "SherdError";
  readonly code: Code;
  readonly details: SherdErrorDetails[Code];
  readonly retryable: boolean;
  readonly [brand] = true;

  constructor(
    code: Code,
    message: string,
    details: SherdErrorDetails[Code],
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
    this.retryable = retryableCodes.has(code);
  }
}

/** True for an error of Sherd's, of this code where one is given, also across two copies of the package. */
export function isSherdError<Code extends SherdErrorCode = SherdErrorCode>(
  error: unknown,
  code?: Code,
): error is SherdError<Code> {
  if (typeof error !== "object" || error === null || !(brand in error)) return false;
  return code === undefined || (error as SherdError).code === code;
}

const nonRetryable = Symbol.for("sherd.nonRetryable");
const retryAfter = Symbol.for("sherd.retryAfter");

/** Thrown by a handler: this attempt failed and no other will do better. The hook ends `failed` at once. */
export class NonRetryable extends Error {
  override readonly name: string = "NonRetryable";
  readonly [nonRetryable] = true;
}

/** Thrown by a handler: this attempt failed, and the next one is due in `delayMs`, whatever the policy says. */
export class RetryAfter extends Error {
  override readonly name: string = "RetryAfter";
  readonly [retryAfter] = true;
  readonly delayMs: number;

  constructor(
    delayMs: number,
    message = `retry after ${delayMs} ms`,
    options?: { readonly cause?: unknown },
  ) {
    super(message, options);
    this.delayMs = delayMs;
  }
}

/** Like `instanceof`, also across two copies of the package. */
export function isNonRetryable(error: unknown): error is NonRetryable {
  return error instanceof Error && nonRetryable in error;
}

export function isRetryAfter(error: unknown): error is RetryAfter {
  return error instanceof Error && retryAfter in error;
}
