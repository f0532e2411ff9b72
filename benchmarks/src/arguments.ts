import { parseArgs } from "node:util";
import type { SetName } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { type SystemName, systemNames } from "./systems.ts";

export interface Arguments {
  readonly set: SetName;
  /** Empty: all of the set. */
  readonly only: readonly string[];
  /** Empty: all. */
  readonly systems: readonly SystemName[];
  readonly rounds: number;
  /** Divides every count and duration: to see whether everything works, not how fast. */
  readonly divide: number;
  /** Whether the documentation is to quote the run. */
  readonly isQuoted: boolean;
  readonly profile: string | null;
}

export const usage = `npm run bench -- [options]
  --full             every scenario, at full counts; without it a short set of a few minutes
  --quote            replace the results that the documentation quotes; for whole sets alone
  --only <name>      one scenario (may be repeated): ${scenarios.map(({ name }) => name).join(", ")}
  --systems <names>  only these, separated by commas: ${systemNames.join(", ")}
  --rounds <n>       3 by default
  --divide <n>       divide counts and durations, to see that everything works
  --profile <name>   no benchmark: where Sherd's time goes in sherd-drain, sherd-defaults or sherd-sqlite-drain`;

/** A text instead of arguments says what is wrong with them. */
export function readArguments(args: readonly string[]): Arguments | string {
  const { values } = parseArgs({
    args: [...args],
    options: {
      full: { type: "boolean", default: false },
      only: { type: "string", multiple: true, default: [] },
      systems: { type: "string", default: "" },
      rounds: { type: "string", default: "3" },
      divide: { type: "string", default: "1" },
      quote: { type: "boolean", default: false },
      profile: { type: "string" },
    },
  });
  const systems = values.systems.split(",").filter((name) => name !== "");
  const [rounds, divide] = [Number(values.rounds), Number(values.divide)];
  const unknown = values.only.find((only) => scenarios.every(({ name }) => name !== only));
  if (unknown !== undefined) return `There is no scenario "${unknown}".`;
  const isKnown = (name: string): name is SystemName => (systemNames as readonly string[]).includes(name);
  const stranger = systems.find((name) => !isKnown(name));
  if (stranger !== undefined) return `There is no system "${stranger}".`;
  if (!Number.isInteger(rounds) || rounds < 1)
    return `--rounds is a number of rounds, not "${values.rounds}".`;
  if (values.quote && (values.only.length > 0 || systems.length > 0 || divide > 1))
    return "--quote is for a whole set, at its own counts.";
  if (!(divide >= 1)) return `--divide is a number of 1 or more, not "${values.divide}".`;
  return {
    set: values.full ? "full" : "short",
    only: values.only,
    systems: systems.filter(isKnown),
    rounds,
    divide,
    isQuoted: values.quote,
    profile: values.profile ?? null,
  };
}
