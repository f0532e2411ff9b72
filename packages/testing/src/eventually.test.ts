import { expect, test } from "vitest";
import { eventually } from "./eventually.ts";

test("the first truthy answer is what it resolves with", async () => {
  const answers = [null, 0, "", "yes", "no"];
  expect(await eventually(() => answers.shift(), { withinMs: 5000 })).toBe("yes");
});

test("a condition that never holds is given up, and named", async () => {
  const heard: string[] = [];
  await expect(eventually(() => heard.includes("done"), { withinMs: 5 })).rejects.toThrow("heard.includes");
});

test("what a condition throws is not asked for again", async () => {
  let asked = 0;
  const throwing = () => {
    asked++;
    throw new Error("broken");
  };
  await expect(eventually(throwing, { withinMs: 5000 })).rejects.toThrow("broken");
  expect(asked).toBe(1);
});
