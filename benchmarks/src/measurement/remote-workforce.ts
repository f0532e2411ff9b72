import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { OpenOptions } from "../system.ts";
import type { SystemName } from "../systems.ts";
import type { WorkerAnswer, WorkerQuestion } from "./worker-messages.ts";
import type { Workforce, WorkReport, WorkSpec } from "./workforce.ts";

const program = fileURLToPath(new URL("worker-process.ts", import.meta.url));

interface RemoteOptions {
  readonly system: SystemName;
  readonly open: OpenOptions;
  readonly spec: WorkSpec;
  readonly processes: number;
  /** Needed for `allEnded`; costs each worker a few messages. */
  readonly tellsProgress: boolean;
}

/** Workers in processes of their own. */
export class RemoteWorkforce implements Workforce {
  readonly #workers: readonly WorkerProcess[];
  readonly #tellsProgress: boolean;
  #expected = 0;
  #done = Promise.withResolvers<void>();

  static async open(options: RemoteOptions): Promise<RemoteWorkforce> {
    const { system, open, spec } = options;
    const workforce = new RemoteWorkforce(options);
    await workforce.#askAll({ ask: "open", system, options: { ...open, install: false }, spec });
    return workforce;
  }

  private constructor({ processes, tellsProgress }: RemoteOptions) {
    this.#tellsProgress = tellsProgress;
    this.#workers = Array.from({ length: processes }, () => new WorkerProcess(() => this.#progressed()));
  }

  async begin(expected: number): Promise<void> {
    this.#expected = expected;
    this.#done = Promise.withResolvers<void>();
    for (const worker of this.#workers) worker.ended = 0;
    await this.#askAll({ ask: "begin", tellsProgress: this.#tellsProgress });
  }

  allEnded(): Promise<void> {
    return this.#done.promise;
  }

  async mark(): Promise<void> {
    await this.#askAll({ ask: "mark" });
  }

  async end(): Promise<WorkReport> {
    const answers = await this.#askAll({ ask: "end" });
    const reports = answers.flatMap((answer) => (answer.answer === "ended" ? [answer.report] : []));
    return {
      ended: reports.reduce((sum, { ended }) => sum + ended, 0),
      starts: reports.flatMap(({ starts }) => starts),
      cpuMs: reports.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
    };
  }

  async close(): Promise<void> {
    await this.#askAll({ ask: "close" });
    for (const worker of this.#workers) worker.disconnect();
  }

  #askAll(question: WorkerQuestion): Promise<WorkerAnswer[]> {
    return Promise.all(this.#workers.map((worker) => worker.ask(question)));
  }

  #progressed(): void {
    const ended = this.#workers.reduce((sum, worker) => sum + worker.ended, 0);
    if (ended >= this.#expected) this.#done.resolve();
  }
}

class WorkerProcess {
  ended = 0;
  readonly #child: ChildProcess;
  #waiting: PromiseWithResolvers<WorkerAnswer> | null = null;

  constructor(onProgress: () => void) {
    this.#child = fork(program);
    this.#child.on("message", (message: WorkerAnswer) => {
      if (message.answer !== "progress") return this.#waiting?.resolve(message);
      this.ended = message.ended;
      onProgress();
    });
    this.#child.on("exit", (code) =>
      this.#waiting?.reject(new Error(`A worker process ended with ${code}.`)),
    );
  }

  ask(question: WorkerQuestion): Promise<WorkerAnswer> {
    this.#waiting = Promise.withResolvers<WorkerAnswer>();
    this.#child.send(question);
    return this.#waiting.promise;
  }

  disconnect(): void {
    this.#child.disconnect();
  }
}
