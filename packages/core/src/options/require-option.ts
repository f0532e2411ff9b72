import { invalidOption } from "./invalid-option.ts";

/** Answer `value` when it is a whole number in the range, else fail with `INVALID_OPTION`. */
export function requireInteger(
  option: string,
  value: number,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw invalidOption(option, value, `a whole number from ${min} to ${max}`);
}

/** Fail with `INVALID_OPTION` when `options` holds a name that is not known: a typo must not go unnoticed. */
export function requireKnown(owner: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name))
      throw invalidOption(
        `${owner}.${name}`,
        (options as Record<string, unknown>)[name],
        `absent: ${owner} takes ${known.join(", ")}`,
      );
  }
}

export function requireBoolean(option: string, value: boolean): boolean {
  if (typeof value === "boolean") return value;
  throw invalidOption(option, value, "true or false");
}

/** Answer a callback when it is one, or null when none was given. */
export function optionalFunction<F>(option: string, value: F | undefined): F | null {
  if (value === undefined) return null;
  if (typeof value === "function") return value;
  throw invalidOption(option, value, "a function");
}

/** The text of a key, name or namespace that goes into a text column. */
export function requireText(option: string, value: string, maxLength: number): string {
  const isText = typeof value === "string" && value.length > 0 && value.length <= maxLength;
  if (isText && value.isWellFormed() && !value.includes("\0")) return value;
  throw invalidOption(option, value, `a well-formed text of 1 to ${maxLength} characters without NUL`);
}
