import { SherdError } from "../errors.ts";

/** A value as its row will hold it, and as a reader of that row gets it back. */
export interface EncodedJson {
  readonly text: string;
  readonly value: unknown;
}

/** What of a trigger is encoded, and for which hook: what an error says was wrong. */
interface Subject {
  readonly hook: string;
  readonly part: "payload" | "trace";
}

const encoder = new TextEncoder();

/**
 * Encode a part of a trigger as JSON. Fails with `PAYLOAD_NOT_SERIALIZABLE` where JSON would lose or change
 * something without a word, and with `PAYLOAD_TOO_LARGE` beyond `maxBytes` of UTF-8.
 */
export function encodeJson(
  hook: string,
  part: Subject["part"],
  given: unknown,
  maxBytes: number,
): EncodedJson {
  const subject: Subject = { hook, part };
  requireJson(subject, given, "", "", []);
  const text = JSON.stringify(given);
  // A character is at most three bytes of UTF-8, so most payloads need not be measured.
  const bytes = text.length * 3 <= maxBytes ? 0 : encoder.encode(text).length;
  if (bytes > maxBytes) throw tooLarge(subject, bytes, maxBytes);
  return { text, value: JSON.parse(text) };
}

/** `a.b` below `a`. */
export function joinPath(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** Walk the value and refuse what JSON cannot hold. `key` is what `toJSON` is given; `ancestors` finds cycles. */
function requireJson(subject: Subject, value: unknown, path: string, key: string, ancestors: object[]): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw notSerializable(subject, path, `${value}`);
    case "object":
      if (value !== null) requireJsonObject(subject, value, path, key, ancestors);
      return;
    default:
      throw notSerializable(subject, path, typeof value === "undefined" ? "undefined" : `a ${typeof value}`);
  }
}

function requireJsonObject(
  subject: Subject,
  value: object,
  path: string,
  key: string,
  ancestors: object[],
): void {
  if (ancestors.includes(value))
    throw notSerializable(subject, path, "a reference back to an object that holds it");
  const inside = [...ancestors, value];
  if (hasToJson(value)) {
    if (value instanceof Date && Number.isNaN(value.getTime()))
      throw notSerializable(subject, path, "an invalid Date");
    const json = value.toJSON(key);
    // What it answers is taken as it is, even where that has a `toJSON` of its own.
    if (json === value) requireEntries(subject, value, path, inside);
    else requireJson(subject, json, path, key, inside);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (
    !Array.isArray(value) &&
    prototype !== null &&
    prototype !== Object.prototype &&
    !isForeignPlain(prototype)
  ) {
    throw notSerializable(subject, path, `an instance of ${value.constructor?.name ?? "a class"}`);
  }
  requireEntries(subject, value, path, inside);
}

function requireEntries(subject: Subject, value: object, path: string, inside: object[]): void {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      requireJson(subject, value[index], `${path}[${index}]`, `${index}`, inside);
    }
    return;
  }
  for (const [key, entry] of Object.entries(value)) {
    if (entry !== undefined) requireJson(subject, entry, joinPath(path, key), key, inside);
  }
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

/** A plain object of another realm (a vm context, a test runner): its prototype has none itself. */
function isForeignPlain(prototype: unknown): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "hasOwnProperty");
}

function tooLarge({ hook, part }: Subject, bytes: number, maxBytes: number): SherdError {
  return new SherdError(
    "PAYLOAD_TOO_LARGE",
    `Cannot trigger "${hook}": its ${part} takes ${bytes} bytes as JSON and at most ${maxBytes} are allowed. ` +
      `Store the data in a table and pass its id, or raise durableHooks.maxPayloadBytes.`,
    { hook, bytes, maxBytes },
  );
}

function notSerializable({ hook, part }: Subject, path: string, what: string): SherdError {
  const where = path === "" ? "it is" : `at ${path} it holds`;
  return new SherdError(
    "PAYLOAD_NOT_SERIALIZABLE",
    `Cannot trigger "${hook}": its ${part} must be plain JSON, but ${where} ${what}. ` +
      `Convert it first; a schema that transforms it back gives the handler the rich value.`,
    { hook, path },
  );
}
