/** Starts the processes of the harness, and hears how they end. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";
import type { Acted, ActTask, Task, WorkTask } from "./task.ts";

export interface Child {
  signal(name: NodeJS.Signals): void;
  readonly ended: Promise<number | NodeJS.Signals>;
}

export interface Children {
  /** A folder for what tests leave on disk. */
  readonly folder: string;
  /** Play a scenario. Null when the process died of SIGKILL, as it was told to. */
  act(task: Omit<ActTask, "kind">): Promise<Acted | null>;
  /** The same, for a process that is to be continued. */
  play(task: Omit<ActTask, "kind">): Promise<Child & { readonly acted: Promise<Acted | null> }>;
  /** Resolves when the process polls. */
  work(task: Omit<WorkTask, "kind">): Promise<Child>;
  /** Resolves when the process has the write lock of a SQLite file. */
  lock(location: string): Promise<Child>;
  /** Kill those that still run, and remove the folder. */
  end(): Promise<void>;
}

/** Have processes of one script, bundled, so that one starts in a twentieth of a second, and hundreds can be killed. */
export async function openChildren(): Promise<Children> {
  const folder = await mkdtemp(join(tmpdir(), "sherd-crash-"));
  const running = new Set<ChildProcess>();
  let bundled: Promise<void> | null = null;
  const start = async (task: Task) => {
    bundled ??= bundle(folder);
    await bundled;
    const child = fork(join(folder, "process.js"), [JSON.stringify(task)], {
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
      env: { ...process.env, NODE_COMPILE_CACHE: join(folder, "cache") },
    });
    running.add(child);
    const ended = endOf(child).finally(() => running.delete(child));
    return { child, ended };
  };
  const ready = async (task: Task): Promise<Child> => {
    const { child, ended } = await start(task);
    const failed = ended.then((end) =>
      Promise.reject(new Error(`The process ended with ${end} before it was ready.`)),
    );
    await Promise.race([once(child, "message"), failed]);
    return { signal: (name) => void child.kill(name), ended };
  };
  const play = async (task: Omit<ActTask, "kind">) => {
    const { child, ended } = await start({ kind: "act", ...task });
    const said = new Promise<Acted>((resolve) =>
      child.once("message", (message) => resolve(message as Acted)),
    );
    const acted = ended.then((end) => {
      if (end === "SIGKILL") return null;
      if (end === 0) return said;
      throw new Error(`The process ended with ${end}: ${JSON.stringify(task)}`);
    });
    // Whoever waits for it hears of it, and nobody need.
    acted.catch(() => {});
    return { signal: (name: NodeJS.Signals) => void child.kill(name), ended, acted };
  };
  return {
    folder,
    act: async (task) => (await play(task)).acted,
    play,
    work: (task) => ready({ kind: "work", ...task }),
    lock: (location) => ready({ kind: "lock", location }),
    async end() {
      await Promise.all([...running].map((child) => (child.kill("SIGKILL"), once(child, "exit"))));
      await rm(folder, { recursive: true });
    },
  };
}

async function bundle(folder: string): Promise<void> {
  await build({
    entry: { process: fileURLToPath(new URL("process.ts", import.meta.url)) },
    outDir: folder,
    config: false,
    silent: true,
    platform: "node",
    target: "node22",
    format: "esm",
    outExtension: () => ({ js: ".js" }),
    removeNodeProtocol: false,
    noExternal: [/.*/],
    splitting: false,
    treeshake: true,
    esbuildOptions(options) {
      options.conditions = ["@sherd/source"];
    },
  });
}

async function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  return code ?? signal ?? 0;
}
