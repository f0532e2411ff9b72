import type { Scenario } from "./scenario.ts";
import { defaults } from "./scenarios/defaults.ts";
import { drain } from "./scenarios/drain.ts";
import { fairness } from "./scenarios/fairness.ts";
import { growth } from "./scenarios/growth.ts";
import { idle } from "./scenarios/idle.ts";
import { largeWorkers } from "./scenarios/large-workers.ts";
import { latency } from "./scenarios/latency.ts";
import { scale } from "./scenarios/scale.ts";
import { smallWorkers } from "./scenarios/small-workers.ts";
import { snapshot } from "./scenarios/snapshot.ts";
import { sqlite } from "./scenarios/sqlite.ts";
import { statements } from "./scenarios/statements.ts";
import { subjects } from "./scenarios/subjects.ts";
import { together } from "./scenarios/together.ts";
import { transaction } from "./scenarios/transaction.ts";
import { trigger } from "./scenarios/trigger.ts";
import { wal } from "./scenarios/wal.ts";

/** In the order of the table of targets. */
export const scenarios: readonly Scenario[] = [
  drain,
  wal,
  defaults,
  trigger,
  transaction,
  together,
  latency,
  fairness,
  growth,
  snapshot,
  sqlite,
  subjects,
  smallWorkers,
  largeWorkers,
  statements,
  idle,
  scale,
];
