/** A worker process as users run them. It says `ready` to its parent once it polls, and drains on SIGTERM. */
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { openAdapter } from "../../../../tooling/open-adapter.ts";
import { openReads, openWarehouses, pagesPerWarehouse, type WorkerOptions } from "./pages.ts";

const { location, profile, namespace, leaseMs, dies, hangsAfter, commits } = JSON.parse(
  process.argv[2] ?? "{}",
) as WorkerOptions;
const adapter = openAdapter(location);
const reads = await openReads(adapter, namespace);
const { pid } = process;

function dieAt(page: number, when: "before checkpoint" | "after checkpoint"): void {
  if (dies?.page === page && dies.when === when) process.kill(pid, "SIGKILL");
}

const processor = openWarehouses(adapter, profile).runSubjects({
  dispatcherId: "warehouse",
  leaseMs,
  async handle({ subjectKey: warehouse, cursor }, ctx) {
    for (let page = (cursor?.page ?? 0) + 1; page <= pagesPerWarehouse; page++) {
      if (commits === "together") {
        await reads.transaction(async (uow) => {
          await uow.services.note({ warehouse, page, pid });
          dieAt(page, "before checkpoint");
          await ctx.within(uow).checkpoint({ cursor: { page } });
        });
      } else {
        await reads.services.note({ warehouse, page, pid });
        dieAt(page, "before checkpoint");
        await ctx.checkpoint({ cursor: { page } });
      }
      dieAt(page, "after checkpoint");
      if (page === hangsAfter) await new Promise(() => {});
    }
  },
});
const dispatcher = createDurableHooksDispatcher({ processor, pollIntervalMs: 200 });
dispatcher.startPolling();
process.once("SIGTERM", async () => {
  await dispatcher.stopPolling({ deadlineMs: 0 });
  await adapter.close();
  process.disconnect();
});
process.send?.("ready");
