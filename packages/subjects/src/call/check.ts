import {
  encodeJson,
  longestDelayMs,
  type PullProgress,
  requireText,
  type StandardSchemaV1,
} from "@sherd/core";
import { invalidRequest } from "../errors.ts";
import type { Pool } from "../pool.ts";
import type { HeldSubject, Progress, SubjectFailure } from "./requests.ts";

/** A call's request is an object with these fields and no other: a typo must not go unnoticed. */
export function requireFields(call: string, request: object, known: readonly string[]): void {
  if (typeof request !== "object" || request === null)
    throw invalidRequest(call, "request", request, "an object");
  for (const [field, value] of Object.entries(request)) {
    if (!known.includes(field))
      throw invalidRequest(call, field, value, `absent: it takes ${known.join(", ")}`);
  }
}

export function requireWhole(call: string, field: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidRequest(call, field, value, `a whole number from ${min} to ${max}`);
}

/** In characters. */
export const longestKey = 500;

export function requireKey(call: string, value: string): string {
  return textOr(call, "subjectKey", value, longestKey);
}

export function textOr(call: string, field: string, value: string, maxLength: number): string {
  try {
    return requireText(field, value, maxLength);
  } catch {
    const expected = `a well-formed text of 1 to ${maxLength} characters without NUL`;
    throw invalidRequest(call, field, value, expected);
  }
}

/** No key twice: which of two would count? */
export function requireUnique(call: string, keys: readonly string[]): void {
  const seen = new Set<string>();
  for (const key of keys) {
    if (seen.has(key)) throw invalidRequest(call, "subjects", key, "free of keys that occur twice");
    seen.add(key);
  }
}

export function requireList<T>(call: string, list: readonly T[], most: number): readonly T[] {
  if (Array.isArray(list) && list.length <= most) return list;
  const received = Array.isArray(list) ? `a list of ${list.length}` : list;
  throw invalidRequest(call, "subjects", received, `a list of up to ${most}`);
}

export function fenceOf(call: string, { subjectKey, revision }: HeldSubject) {
  return {
    key: requireKey(call, subjectKey),
    revision: requireWhole(call, "revision", revision, 0, 2_147_483_647),
  };
}

/** The year 1: not every database knows what was long before. */
const earliest = -62_135_596_800_000;

/** Milliseconds since the epoch; null is a moment that never comes. */
export function requireMoment(call: string, value: Date | null): number | null {
  if (value === null) return null;
  if (value instanceof Date && value.getTime() >= earliest) return value.getTime();
  throw invalidRequest(call, "nextDueAt", value, "a valid Date from the year 1 on, or null");
}

export function requireDelay(call: string, value: number): number {
  return requireWhole(call, "retryAfterMs", value, 0, longestDelayMs);
}

export function requireFailure(call: string, error: SubjectFailure | Error): SubjectFailure | Error {
  const { code, retryable } = (error ?? {}) as Partial<SubjectFailure>;
  if (typeof error?.message !== "string")
    throw invalidRequest(call, "error", error, "an Error, or an object with a message");
  if (error instanceof Error) return error;
  if (code !== undefined && typeof code !== "string")
    throw invalidRequest(call, "error.code", code, "a text");
  if (retryable !== undefined && typeof retryable !== "boolean")
    throw invalidRequest(call, "error.retryable", retryable, "true or false");
  return error;
}

/** Check what is to be kept of cursor and meta, and encode it. */
export async function encodeProgress(
  call: string,
  pool: Pool,
  { cursor, meta }: Progress<unknown, unknown>,
): Promise<PullProgress> {
  const part = (
    field: "cursor" | "meta",
    value: unknown,
    schema: StandardSchemaV1 | null,
    maxBytes: number,
  ) => encodePart({ call, field, maxBytes, schema }, value);
  return {
    ...(cursor === undefined ? {} : { memo: await part("cursor", cursor, pool.cursor, pool.maxCursorBytes) }),
    ...(meta === undefined ? {} : { body: await part("meta", meta, pool.meta, pool.maxMetaBytes) }),
  };
}

interface Part {
  readonly call: string;
  readonly field: "cursor" | "meta";
  readonly maxBytes: number;
  readonly schema: StandardSchemaV1 | null;
}

async function encodePart({ call, field, maxBytes, schema }: Part, given: unknown): Promise<string> {
  const { text, value } = encodeJson(given, maxBytes, {
    notSerializable: (path, what) =>
      invalidRequest(call, path === "" ? field : `${field}.${path}`, what, "plain JSON"),
    tooLarge: (bytes) =>
      invalidRequest(
        call,
        field,
        bytes,
        `at most ${maxBytes} bytes of JSON (keep what is large in a table, or raise the pool's limit)`,
      ),
  });
  if (schema === null || value === null) return text;
  const { issues } = await schema["~standard"].validate(value);
  if (issues === undefined) return text;
  const list = issues.map(({ message }) => message).join("; ");
  throw invalidRequest(call, field, given, `what the pool's schema allows (${list})`);
}
