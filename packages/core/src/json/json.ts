/** A value as its row will hold it, and as a reader of that row gets it back. */
export interface EncodedJson {
  readonly text: string;
  readonly value: unknown;
}

/** Makes the errors of what cannot be encoded. */
export interface JsonRefusal {
  /** `path` is where, `a.b[0]`, empty for the value itself; `what` is found there. */
  notSerializable(path: string, what: string): Error;
  tooLarge(bytes: number, maxBytes: number): Error;
}

const encoder = new TextEncoder();

/** Encode a value as JSON. Fails where JSON would lose or change something without a word, and beyond `maxBytes` of UTF-8. */
export function encodeJson(given: unknown, maxBytes: number, refusal: JsonRefusal): EncodedJson {
  requireJson(refusal, given, "", "", []);
  const text = JSON.stringify(given);
  // A character is at most three bytes of UTF-8, so most values need not be measured.
  const bytes = text.length * 3 <= maxBytes ? 0 : encoder.encode(text).length;
  if (bytes > maxBytes) throw refusal.tooLarge(bytes, maxBytes);
  return { text, value: JSON.parse(text) };
}

/** `a.b` below `a`. */
export function joinPath(path: string, key: string): string {
  return path === "" ? key : `${path}.${key}`;
}

/** Walk the value and refuse what JSON cannot hold. `key` is what `toJSON` is given; `ancestors` finds cycles. */
function requireJson(
  refusal: JsonRefusal,
  value: unknown,
  path: string,
  key: string,
  ancestors: object[],
): void {
  switch (typeof value) {
    case "string":
    case "boolean":
      return;
    case "number":
      if (Number.isFinite(value)) return;
      throw refusal.notSerializable(path, `${value}`);
    case "object":
      if (value !== null) requireJsonObject(refusal, value, path, key, ancestors);
      return;
    default:
      throw refusal.notSerializable(path, typeof value === "undefined" ? "undefined" : `a ${typeof value}`);
  }
}

function requireJsonObject(
  refusal: JsonRefusal,
  value: object,
  path: string,
  key: string,
  ancestors: object[],
): void {
  if (ancestors.includes(value))
    throw refusal.notSerializable(path, "a reference back to an object that holds it");
  const inside = [...ancestors, value];
  if (hasToJson(value)) {
    if (value instanceof Date && Number.isNaN(value.getTime()))
      throw refusal.notSerializable(path, "an invalid Date");
    const json = value.toJSON(key);
    // What it answers is taken as it is, even where that has a `toJSON` of its own.
    if (json === value) requireEntries(refusal, value, path, inside);
    else requireJson(refusal, json, path, key, inside);
    return;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (
    !Array.isArray(value) &&
    prototype !== null &&
    prototype !== Object.prototype &&
    !isForeignPlain(prototype)
  ) {
    throw refusal.notSerializable(path, `an instance of ${value.constructor?.name ?? "a class"}`);
  }
  requireEntries(refusal, value, path, inside);
}

function requireEntries(refusal: JsonRefusal, value: object, path: string, inside: object[]): void {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      requireJson(refusal, value[index], `${path}[${index}]`, `${index}`, inside);
    }
    return;
  }
  for (const [key, entry] of Object.entries(value)) {
    if (entry !== undefined) requireJson(refusal, entry, joinPath(path, key), key, inside);
  }
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

/** A plain object of another realm (a vm context, a test runner): its prototype has none itself. */
function isForeignPlain(prototype: unknown): boolean {
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, "hasOwnProperty");
}
