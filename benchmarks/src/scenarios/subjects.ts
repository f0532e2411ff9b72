import type { Subjects } from "../measurement/measurement.ts";
import { rate, type Scenario, type Target } from "../scenario.ts";
import type { SystemName } from "../systems.ts";

const batches = [1, 10, 100] as const;

const pairs: readonly { readonly on: string; readonly sherd: SystemName; readonly byHand: SystemName }[] = [
  { on: "PostgreSQL", sherd: "sherdSubjects", byHand: "subjectsByHand" },
  { on: "node:sqlite", sherd: "sherdSubjectsSqlite", byHand: "subjectsByHandSqlite" },
];

const cases = pairs.flatMap((pair) => batches.map((batch) => ({ ...pair, batch })));

export const subjects: Scenario = {
  name: "subjects",
  title: "Claim due subjects of 10,000, and complete them, so many at a time",
  metric: rate,
  contenders(set) {
    const turns = set === "full" ? 5_000 : 1_000;
    return cases.flatMap(({ on, sherd, byHand, batch }) => {
      const fewer = batch === 100 ? turns / 5 : turns;
      const measurement: Subjects = { kind: "subjects", subjects: 10_000, batch, turns: fewer };
      return [
        { name: `Sherd on ${on}, ${batch}`, system: sherd, measurement },
        { name: `by hand on ${on}, ${batch}`, system: byHand, measurement },
      ];
    });
  },
  targets: cases.map(({ on, batch }): Target => ({
    what: `of the statements by hand on ${on}, ${batch} at a time`,
    of: `Sherd on ${on}, ${batch}`,
    over: `by hand on ${on}, ${batch}`,
    bound: null,
  })),
};
