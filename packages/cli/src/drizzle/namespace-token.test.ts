import { expect, test } from "vitest";
import { withPlaceholder } from "./namespace-token.ts";

test("every name with the namespace is quoted, for a namespace may hold a dash and a column be a keyword", () => {
  expect(
    withPlaceholder("ALTER TABLE `__namespace___a` ADD `x` text REFERENCES __namespace___b(order);"),
  ).toBe('ALTER TABLE `{{namespace}}_a` ADD `x` text REFERENCES "{{namespace}}_b"("order");');
  expect(withPlaceholder("SELECT '__namespace__', \"a___namespace___b\", __namespace___c")).toBe(
    `SELECT '{{namespace}}', "a_{{namespace}}_b", "{{namespace}}_c"`,
  );
});
