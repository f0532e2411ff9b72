import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type PayloadIssue, SherdError } from "../errors.ts";

const encoder = new TextEncoder();

/** A payload as its row will hold it, and as a reader of that row gets it back. */
export interface EncodedPayload {
  readonly text: string;
  readonly value: unknown;
}

/**
 * Encode a payload as JSON. Fails with `PAYLOAD_NOT_SERIALIZABLE` where JSON would lose or change a part of
 * it without a word, and with `PAYLOAD_TOO_LARGE` beyond `maxBytes` of UTF-8.
 */
export function encodePayload(hook: string, payload: unknown, maxBytes: number): EncodedPayload {
  requireJson(hook, payload, "", []);
  const text = JSON.stringify(payload);
  // A character is at most three bytes of UTF-8, so most payloads need not be measured.
  const bytes = text.length * 3 <= maxBytes ? 0 : encoder.encode(text).length;
  if (bytes > maxBytes) {
    throw new SherdError(
      "PAYLOAD_TOO_LARGE",
      `Cannot trigger "${hook}": its payload takes ${bytes} bytes as JSON and at most ${maxBytes} are allowed. ` +
        `Store the data in a table and pass its id, or raise durableHooks.maxPayloadBytes.`,
      { hook, bytes, maxBytes },
    );
  }
  return { text, value: JSON.parse(text) };
}

/** Check a decoded payload and make of it what the handler gets. A promise only where the schema is asynchronous. */
export function parsePayload(
  hook: string,
  schema: StandardSchemaV1 | undefined,
  value: unknown,
): unknown | Promise<unknown> {
  if (schema === undefined) {
    if (value === null) return null;
    throw invalidPayload(hook, [{ message: "this hook takes no payload, since it has no input schema" }]);
  }
  const result = schema["~standard"].validate(value);
  const read = (checked: StandardSchemaV1.Result<unknown>) => {
    if (checked.issues !== undefined) throw invalidPayload(hook, checked.issues);
    return checked.value;
  };
  return result instanceof Promise ? result.then(read) : read(result);
}

function invalidPayload(hook: string, issues: readonly StandardSchemaV1.Issue[]): SherdError {
  const described: PayloadIssue[] = issues.map(({ message, path }) => ({ message, path: displayPath(path) }));
  const list = described
    .map(({ message, path }) => (path === "" ? message : `${path}: ${message}`))
    .join("; ");
  return new SherdError(
    "PAYLOAD_INVALID",
    `The payload of "${hook}", as JSON holds it, does not fit the hook's input schema: ${list}.`,
    { hook, issues: described },
  );
}

function displayPath(path: StandardSchemaV1.Issue["path"]): string {
  return (path ?? []).reduce<string>((text, segment) => {
    const key = typeof segment === "object" ? segment.key : segment;
    return typeof key === "number" ? `${text}[${key}]` : join(text, String(key));
  }, "");
}

/** Walk the payload and refuse what JSON cannot hold. `ancestors` finds cycles. */
function requireJson(hook: string, value: unknown, path: string, ancestors: object[]): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw notSerializable(hook, path, `${value}`);
    case "object":
      if (value !== null) requireJsonObject(hook, value, path, ancestors);
      return;
    default:
      throw notSerializable(hook, path, typeof value === "undefined" ? "undefined" : `a ${typeof value}`);
  }
}

function requireJsonObject(hook: string, value: object, path: string, ancestors: object[]): void {
  if (ancestors.includes(value))
    throw notSerializable(hook, path, "a reference back to an object that holds it");
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") {
    if (value instanceof Date && Number.isNaN(value.getTime()))
      throw notSerializable(hook, path, "an invalid Date");
    return;
  }
  const inside = [...ancestors, value];
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++)
      requireJson(hook, value[index], `${path}[${index}]`, inside);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && !isForeignPlain(prototype)) {
    throw notSerializable(hook, path, `an instance of ${value.constructor?.name ?? "a class"}`);
  }
  for (const [key, entry] of Object.entries(value)) {
    if (entry !== undefined) requireJson(hook, entry, join(path, key), inside);
  }
}

/** A plain object of another realm (a vm context, a test runner): its prototype has none itself. */
function isForeignPlain(prototype: unknown): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "hasOwnProperty");
}

function join(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

function notSerializable(hook: string, path: string, what: string): SherdError {
  const where = path === "" ? "it is" : `at ${path} it holds`;
  return new SherdError(
    "PAYLOAD_NOT_SERIALIZABLE",
    `Cannot trigger "${hook}": its payload must be plain JSON, but ${where} ${what}. ` +
      `Convert it first; a schema that transforms it back gives the handler the rich value.`,
    { hook, path },
  );
}
