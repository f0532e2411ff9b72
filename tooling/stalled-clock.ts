import { type Clock, systemClock } from "@sherd/core";

/** The clock of a process that stands still: its timers never ring, so it renews no lease. */
export const stalledClock: Clock = { ...systemClock, schedule: () => () => {} };
