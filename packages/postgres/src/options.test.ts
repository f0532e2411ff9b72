import { isSherdError } from "@sherd/core";
import { expect, test } from "vitest";
import { postgresAdapter, type PostgresAdapterOptions } from "./index.ts";

const url = "postgres://localhost/app";

test.each<[string, unknown]>([
  ["max", 0],
  ["max", 1.5],
  ["prepare", "yes"],
  ["listen", "localhost"],
  ["applicationName", ""],
  ["onStatement", {}],
  ["pool", 10],
])("an option `%s` of %j is refused by name", (option, value) => {
  let error: unknown;
  try {
    postgresAdapter(url, { [option]: value });
  } catch (thrown) {
    error = thrown;
  }
  expect(isSherdError(error, "INVALID_OPTION") && error.details).toEqual({ option, received: value });
  expect(error).toHaveProperty("message", expect.stringContaining(option));
});

test("an option that is undefined is left out", () => {
  const options = { max: undefined, listen: undefined } as unknown as PostgresAdapterOptions;
  expect(postgresAdapter(url, options).dialect).toBe("postgres");
});

test("an adapter opens nothing before it is used", async () => {
  await postgresAdapter("postgres://127.0.0.1:1/nowhere").close();
});
