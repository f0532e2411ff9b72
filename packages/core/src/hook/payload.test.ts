import type { StandardSchemaV1 } from "@standard-schema/spec";
import { expect, test } from "vitest";
import { z } from "zod";
import { encodeJson } from "../json/json.ts";
import { TriggerJson } from "./trigger-json.ts";
import { parsePayload } from "./payload.ts";

function schemaOf<T>(
  validate: (value: unknown) => StandardSchemaV1.Result<T> | Promise<StandardSchemaV1.Result<T>>,
): StandardSchemaV1<unknown, T> {
  return { "~standard": { version: 1, vendor: "test", validate } };
}

const invalid = (...issues: readonly { path: string; message: string }[]) =>
  expect.objectContaining({ code: "PAYLOAD_INVALID", details: { hook: "deliver", issues } });

test("a hook without a schema takes null and nothing else", () => {
  expect(parsePayload("deliver", undefined, null)).toBe(null);
  expect(() => parsePayload("deliver", undefined, {})).toThrow(
    invalid({ path: "", message: "this hook takes no payload, since it has no input schema" }),
  );
});

test("a handler gets what the schema makes of the payload", () => {
  const schema = z.object({ name: z.string().trim(), tries: z.number().default(3) });
  expect(parsePayload("deliver", schema, { name: " a ", extra: 1 })).toEqual({ name: "a", tries: 3 });
});

test("a date survives as a date where the schema transforms it back", () => {
  const at = new Date(1_700_000_000_000);
  const schema = z.object({ at: z.iso.datetime().transform((text) => new Date(text)) });
  expect(
    parsePayload("deliver", schema, encodeJson({ at }, 1_000, new TriggerJson("deliver", "payload")).value),
  ).toEqual({
    at,
  });
  expect(
    parsePayload(
      "deliver",
      z.object({ at: z.coerce.date() }),
      encodeJson({ at }, 1_000, new TriggerJson("deliver", "payload")).value,
    ),
  ).toEqual({ at });
});

test("an issue names the place in the payload", () => {
  const schema = z.object({ lines: z.array(z.object({ sku: z.string("no text") })) });
  const act = () => parsePayload("deliver", schema, { lines: [{ sku: "a" }, { sku: 5 }] });
  expect(act).toThrow(invalid({ path: "lines[1].sku", message: "no text" }));
  expect(act).toThrow(/does not fit the hook's input schema: lines\[1\]\.sku: no text\.$/);
});

test("every issue is named, with paths in any form that the standard allows", () => {
  const mark = Symbol("mark");
  const schema = schemaOf(() => ({
    issues: [
      { message: "wrong" },
      { message: "empty", path: [] },
      { message: "number", path: [0, "a", { key: 1 }, { key: "b" }] },
      { message: "symbol", path: [mark] },
    ],
  }));
  const act = () => parsePayload("deliver", schema, null);
  expect(act).toThrow(
    invalid(
      { path: "", message: "wrong" },
      { path: "", message: "empty" },
      { path: "[0].a[1].b", message: "number" },
      { path: "Symbol(mark)", message: "symbol" },
    ),
  );
  expect(act).toThrow("schema: wrong; empty; [0].a[1].b: number; Symbol(mark): symbol.");
});

test("an asynchronous schema is awaited", async () => {
  const schema = z.object({ sku: z.string().refine(async (sku) => sku === "a", "unknown") });
  const good = parsePayload("deliver", schema, { sku: "a" });
  expect(good).toBeInstanceOf(Promise);
  expect(await good).toEqual({ sku: "a" });
  await expect(parsePayload("deliver", schema, { sku: "b" })).rejects.toThrow(
    invalid({ path: "sku", message: "unknown" }),
  );
});
