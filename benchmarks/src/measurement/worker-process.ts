/** One worker process: opens a system that another process has installed, and works as it is asked. */
import { systemNamed } from "../systems.ts";
import type { WorkerAnswer, WorkerQuestion } from "./worker-messages.ts";
import { LocalWorkforce } from "./workforce.ts";

const progressMs = 5;

let workforce: LocalWorkforce | null = null;
let progress: NodeJS.Timeout | undefined;

process.on("message", (question: WorkerQuestion) => {
  void answer(question).then((answer) => process.send?.(answer));
});
// The measuring process is gone, and nobody else would end this one.
process.on("disconnect", () => process.exit());

async function answer(question: WorkerQuestion): Promise<WorkerAnswer> {
  if (question.ask === "open") {
    const system = await systemNamed(question.system);
    workforce = new LocalWorkforce(system, await system.open(question.options), question.spec);
    return { answer: "done" };
  }
  if (workforce === null) throw new Error("The worker process was not opened.");
  const opened = workforce;
  switch (question.ask) {
    case "begin":
      if (question.tellsProgress) progress = setInterval(() => tell(opened.ended), progressMs);
      await opened.begin(Infinity);
      return { answer: "done" };
    case "mark":
      await opened.mark();
      return { answer: "done" };
    case "end":
      clearInterval(progress);
      return { answer: "ended", report: await opened.end() };
    case "close":
      await opened.close();
      return { answer: "done" };
  }
}

function tell(ended: number): void {
  const message: WorkerAnswer = { answer: "progress", ended };
  process.send?.(message);
}
