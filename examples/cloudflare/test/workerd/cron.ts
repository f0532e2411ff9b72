import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { graceMs } from "../../src/sweep.ts";
import worker from "../../src/worker.ts";

/** What the platform does every minute, as if it were `scheduledTime`. */
export function cron(scheduledTime: number): Promise<void> {
  return worker.scheduled(createScheduledController({ scheduledTime }), env);
}

/** When everything that was expected until now is overdue. */
export function overdueTime(): number {
  return Date.now() + graceMs + 1;
}
