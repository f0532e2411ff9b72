import type { StatementObserver } from "@sherd/core";
import { asSherdError, isTransient, rootCause } from "./failure.ts";
import type { Nesting } from "./nesting.ts";
import type { Parameter, Row, Session } from "./sessions/session.ts";

/** Sends the statements of verbs: observed, and with the errors of drivers made Sherd's. */
export interface Executor {
  /** Send one statement of `verb`, in `session` where given, else in a transaction of its own. */
  send(
    verb: string,
    statement: string,
    text: string,
    parameters: readonly Parameter[],
    session?: Session,
  ): Promise<readonly Row[]>;
  /** Send one statement of `verb` in the caller's transaction. Resolves when it was sent; its answer fails as Sherd's error. */
  start(
    verb: string,
    statement: string,
    text: string,
    parameters: readonly Parameter[],
    session: Session,
  ): Promise<{ readonly answer: Promise<readonly Row[]> }>;
  /** Tell the observer of something that the driver sends by itself, such as a commit. */
  observe(verb: string, statement: string, phase: "before" | "after"): void | Promise<void>;
  /** Run a verb that owns its transaction again when it met others' locks; what remains fails as Sherd's error. */
  own<T>(verb: string, run: () => Promise<T>): Promise<T>;
  /** Run a verb in the caller's transaction, which an error has spoilt: it is not run again. */
  joined<T>(verb: string, run: () => Promise<T>): Promise<T>;
}

const maxTries = 6;
const firstPauseMs = 5;

export interface ExecutorOptions {
  readonly onStatement: StatementObserver | undefined;
  /** Null where a verb inside an open transaction finds another connection. */
  readonly nesting: Nesting | null;
  readonly random: () => number;
}

export function createExecutor(pool: Session, { onStatement, nesting, random }: ExecutorOptions): Executor {
  const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms * (0.5 + random())));
  return {
    observe: (verb, statement, phase) => onStatement?.({ verb, statement, phase }),
    async send(verb, statement, text, parameters, session = pool) {
      if (session === pool) nesting?.refuse(verb);
      if (onStatement === undefined) return session.query(text, parameters);
      if (session.begin !== undefined) await session.begin();
      await onStatement({ verb, statement, phase: "before" });
      const rows = await session.query(text, parameters);
      await onStatement({ verb, statement, phase: "after" });
      return rows;
    },
    async start(verb, statement, text, parameters, session) {
      await onStatement?.({ verb, statement, phase: "before" });
      const answered = async () => {
        try {
          return await session.query(text, parameters);
        } catch (error) {
          throw asSherdError(error, verb);
        }
      };
      const answer = answered();
      if (onStatement === undefined) return { answer };
      const observed = async () => {
        const rows = await answer;
        await onStatement({ verb, statement, phase: "after" });
        return rows;
      };
      return { answer: observed() };
    },
    async own(verb, run) {
      for (let tries = 1; ; tries += 1) {
        try {
          return await run();
        } catch (error) {
          if (!isTransient(rootCause(error)) || tries === maxTries) throw asSherdError(error, verb);
          await pause(firstPauseMs * 2 ** tries);
        }
      }
    },
    async joined(verb, run) {
      try {
        return await run();
      } catch (error) {
        throw asSherdError(error, verb);
      }
    },
  };
}
