/** Whether `actual`, which came out of JSON, has everything that `expected` has; arrays are as long as expected. */
export function contains(actual: unknown, expected: unknown): boolean {
  if (isMatcher(expected)) return expected.asymmetricMatch(actual);
  if (hasToJson(expected)) return contains(actual, expected.toJSON());
  if (typeof expected !== "object" || expected === null) return actual === expected;
  if (typeof actual !== "object" || actual === null || Array.isArray(actual) !== Array.isArray(expected)) {
    return false;
  }
  if (Array.isArray(expected) && expected.length !== (actual as unknown[]).length) return false;
  // JSON leaves out what is undefined.
  const entries = Object.entries(expected).filter(([, value]) => value !== undefined);
  return entries.every(
    ([key, value]) => Object.hasOwn(actual, key) && contains(Reflect.get(actual, key), value),
  );
}

/** `expect.any(String)` and its like, of vitest and of others. */
interface Matcher {
  asymmetricMatch(actual: unknown): boolean;
}

function isMatcher(value: unknown): value is Matcher {
  return typeof (value as Matcher | null | undefined)?.asymmetricMatch === "function";
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return typeof (value as { toJSON?: unknown } | null | undefined)?.toJSON === "function";
}
