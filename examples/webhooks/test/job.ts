import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../src/main-job.ts", import.meta.url));

/** `npm start` as a process of its own, with its temporary files in `directory`. */
export class Job implements AsyncDisposable {
  readonly #child;
  readonly #ended: Promise<number | null>;
  output = "";

  constructor(directory: string, args: readonly string[] = [], databaseUrl = "") {
    this.#child = spawn(process.execPath, ["--conditions=@sherd/source", script, ...args], {
      env: { ...process.env, DATABASE_URL: databaseUrl, TMPDIR: directory },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text) => (this.output += text));
    this.#ended = once(this.#child, "close").then(([code]) => code);
  }

  /** Resolves when the job has printed what matches. */
  async printed(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.output);
      if (match !== null) return match;
      const isOver = await Promise.race([once(this.#child.stdout, "data"), this.#ended.then(() => true)]);
      if (isOver === true) throw new Error(`The job ended without printing ${pattern}:\n${this.output}`);
    }
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  /** Its exit code, once it has ended and everything it printed is in `output`. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
