import { SherdError } from "../errors.ts";

/** The error for an option that is not what it should be: which, what was given, what is expected. */
export function invalidOption(
  option: string,
  received: unknown,
  expected: string,
): SherdError<"INVALID_OPTION"> {
  return new SherdError(
    "INVALID_OPTION",
    `Option ${option} must be ${expected}, but is ${display(received)}.`,
    {
      option,
      received,
    },
  );
}

function display(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null)
    return `an object (${value.constructor?.name ?? "no prototype"})`;
  return String(value);
}
