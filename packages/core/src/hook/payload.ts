import type { StandardSchemaV1 } from "@standard-schema/spec";
import { type PayloadIssue, SherdError } from "../errors.ts";
import { joinPath } from "../json/json.ts";

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
    return typeof key === "number" ? `${text}[${key}]` : joinPath(text, String(key));
  }, "");
}
