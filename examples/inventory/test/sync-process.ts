import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("../src/sync.ts", import.meta.url));

/** The schedule as a process of its own, until its round is over. */
export class SyncProcess implements AsyncDisposable {
  readonly #child;
  /** Its exit code or what killed it, once everything that it printed is in `output`. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
  output = "";

  constructor(env: NodeJS.ProcessEnv) {
    this.#child = spawn(process.execPath, ["--conditions=@sherd/source", script, "--once"], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout.setEncoding("utf8").on("data", (text) => (this.output += text));
    this.ended = once(this.#child, "close").then(([code, signal]) => code ?? signal);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  get lastLine(): string | undefined {
    return this.output.trimEnd().split("\n").at(-1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.ended;
  }
}
