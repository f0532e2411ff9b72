import type { StatementBoundary, StatementObserver } from "@sherd/core";

/** A statement and the side of it, as tests name it. */
export interface Boundary {
  /** Verb and statement: `settle/commit`. */
  readonly statement: string;
  readonly phase: StatementBoundary["phase"];
}

/** The fault seam of a process: it notes every boundary that it passes, and at one of them the process dies. */
export interface Seam {
  readonly observe: StatementObserver;
  /** From now on it may die. */
  arm(): void;
  /** The boundaries passed since then, each once, in order. */
  readonly passed: readonly Boundary[];
  /** The statements that were answered before. */
  readonly prepared: readonly string[];
  /** Resolves when one of `statements` is answered. */
  answered(...statements: readonly string[]): Promise<void>;
}

/** Make the seam of a process that dies, or is frozen, as it comes to `end` for the first time; null is never. */
export function makeSeam(end: Boundary | null, signal: "SIGKILL" | "SIGSTOP"): Seam {
  const prepared = new Set<string>();
  const passed = new Map<string, Boundary>();
  const listeners = new Set<(statement: string) => void>();
  let isArmed = false;
  return {
    observe({ verb, statement: name, phase }) {
      const statement = `${verb}/${name}`;
      if (!isArmed) return void prepared.add(statement);
      const isFirst = !passed.has(`${statement} ${phase}`);
      passed.set(`${statement} ${phase}`, { statement, phase });
      // The signal has its effect before the call returns.
      if (isFirst && statement === end?.statement && phase === end.phase) process.kill(process.pid, signal);
      if (phase === "after") for (const listener of listeners) listener(statement);
    },
    arm() {
      isArmed = true;
    },
    get passed() {
      return [...passed.values()];
    },
    get prepared() {
      return [...prepared];
    },
    answered: (...statements) =>
      new Promise((resolve) => {
        listeners.add((statement) => {
          if (statements.includes(statement)) resolve();
        });
      }),
  };
}
