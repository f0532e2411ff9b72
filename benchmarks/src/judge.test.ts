import { expect, test } from "vitest";
import { judge } from "./judge.ts";
import { rate, type Scenario } from "./scenario.ts";

const scenario: Scenario = {
  name: "drain",
  title: "Drain",
  metric: rate,
  contenders: () => [],
  targets: [
    { what: "of the floor", of: "ours", over: "floor", bound: { atLeast: 0.5 } },
    {
      what: "bytes",
      of: "ours",
      metric: { name: "WAL", key: "bytes", unit: " B" },
      bound: { atMost: 700 },
    },
  ],
};

const samples = (...rates: readonly number[]) => rates.map((perSecond) => ({ perSecond, bytes: 600 }));

test("a target is met by the median of the rounds' ratios, not by the ratio of medians", () => {
  // Ratios 0.9, 0.1, 0.6: their median is 0.6, while the medians' ratio is 0.1.
  const { targets } = judge(scenario, [
    { name: "ours", samples: samples(9, 10, 60), missing: null },
    { name: "floor", samples: samples(10, 100, 100), missing: null },
  ]);
  expect(targets[0]).toMatchObject({ measured: 0.6, verdict: "holds" });
});

test("a target that is missed by a hair is missed", () => {
  const { targets } = judge(scenario, [
    { name: "ours", samples: samples(49.9), missing: null },
    { name: "floor", samples: samples(100), missing: null },
  ]);
  expect(targets[0]?.verdict).toBe("missed");
});

test("a bound without a divisor is the metric's own", () => {
  const { targets } = judge(scenario, [{ name: "ours", samples: samples(1, 2, 3), missing: null }]);
  expect(targets[0]).toMatchObject({ measured: 600, verdict: "holds" });
});

test("a target whose contender was not asked for is not in the table", () => {
  const { targets } = judge(scenario, [{ name: "ours", samples: samples(1), missing: null }]);
  expect(targets.map(({ what }) => what)).toEqual(["bytes"]);
});

test("what was left out is not measured, and neither are ratios to it", () => {
  const { targets, contenders } = judge(scenario, [
    { name: "ours", samples: samples(1), missing: null },
    { name: "floor", samples: [], missing: "it is not installed" },
  ]);
  expect(targets[0]).toMatchObject({ measured: null, verdict: "not measured" });
  expect(contenders[1]).toMatchObject({ firstOverThis: null, missing: "it is not installed", medians: {} });
});
