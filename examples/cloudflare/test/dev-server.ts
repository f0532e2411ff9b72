import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { delimiter, dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const options = ["--ip=127.0.0.1", "--port=0", "--inspector-port=0", "--show-interactive-dev-session=false"];

/** `pnpm dev` as a process of its own: its state and its logs in a directory, nothing asked of the network. */
export class DevServer implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";
  #url = "";

  private constructor(directory: string) {
    this.#process = spawn(
      process.execPath,
      ["--run", "dev", "--", ...options, `--persist-to=${join(directory, "state")}`],
      { cwd: root, env: environment(directory), stdio: ["ignore", "pipe", "pipe"], detached: true },
    );
    for (const stream of [this.#process.stdout, this.#process.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    this.#ended = once(this.#process, "close");
  }

  /** Resolves when it serves. */
  static async start(directory: string): Promise<DevServer> {
    const server = new DevServer(directory);
    const isOver = server.#ended.then(() => true);
    while (server.#url === "") {
      const next = once(server.#process.stdout!, "data").then(() => false);
      if (await Promise.race([next, isOver])) throw new Error(`It does not start:\n${server.#output}`);
      server.#url = /Ready on (http:\S+)/.exec(server.#output)?.[1] ?? "";
    }
    return server;
  }

  /** Answers the order's id. */
  async order(tenant: string, webhookUrl: string): Promise<string> {
    const body = JSON.stringify({ customer: "you", amount: 4200, webhookUrl });
    const answer = await fetch(`${this.#url}/tenants/${tenant}/orders`, { method: "POST", body });
    if (answer.status !== 201) throw new Error(`${answer.status}: ${this.#output}`);
    return ((await answer.json()) as { readonly id: string }).id;
  }

  /** Have the cron trigger fire as if it were `time`. */
  async triggerCron(time: number): Promise<void> {
    const answer = await fetch(`${this.#url}/cdn-cgi/handler/scheduled?time=${time}`);
    if (!answer.ok) throw new Error(`${answer.status}: ${this.#output}`);
  }

  /** Send the signal to all that was started, as Ctrl-C does. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    const { exitCode, signalCode, pid } = this.#process;
    if (exitCode === null && signalCode === null && pid !== undefined) process.kill(-pid, signal);
    await this.#ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop("SIGKILL");
  }
}

function environment(directory: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
    XDG_CONFIG_HOME: join(directory, "config"),
    WRANGLER_LOG_PATH: join(directory, "log"),
    WRANGLER_CACHE_DIR: join(directory, "cache"),
    WRANGLER_REGISTRY_PATH: join(directory, "registry"),
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_HIDE_BANNER: "true",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
  };
}
