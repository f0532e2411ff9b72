import { expect, test } from "vitest";
import { selfTimes } from "./self-times.ts";

const frame = (functionName: string, url: string) => ({ functionName, url, lineNumber: 6 });

test("self times are summed by function, without those of the profiler", () => {
  const profile = {
    nodes: [
      { id: 1, callFrame: frame("claim", "file:///a/clone/packages/core/src/claim.ts") },
      { id: 2, callFrame: frame("claim", "file:///a/clone/packages/core/src/claim.ts") },
      { id: 3, callFrame: frame("(idle)", "") },
      { id: 4, callFrame: frame("post", "node:inspector") },
    ],
    samples: [1, 2, 3, 4],
    timeDeltas: [1_000, 2_000, 5_000, 9_000],
  };
  expect(selfTimes(profile, "/a/clone")).toEqual([
    { place: "(idle)", ms: 5 },
    { place: `${"claim".padEnd(32)} packages/core/src/claim.ts:7`, ms: 3 },
  ]);
});
