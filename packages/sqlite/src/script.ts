import type { StatementObserver } from "@sherd/core";
import type { Awaitable, Row, Session, SqlValue } from "./connection.ts";

export interface Statement {
  /** As observers see it. */
  readonly name: string;
  readonly sql: string;
  readonly params?: readonly SqlValue[];
  /** Instead of `params`: run the statement once for each of these. */
  readonly each?: readonly (readonly SqlValue[])[];
}

/**
 * The statements of a verb with the code between them: each `yield` is one statement and evaluates to its
 * rows. A script knows no driver, so the same one runs without a pause on a synchronous driver and with
 * awaits on others.
 */
export type Script<T> = Generator<Statement, T, readonly Row[]>;

/** Run a script to its end, without a promise for as long as the session answers without one. */
export function runScript<T>(script: Script<T>, session: Session): Awaitable<T> {
  return advance(script, session, []);
}

/** Run a script with `observer` awaited around each statement. */
export async function runObserved<T>(
  script: Script<T>,
  session: Session,
  verb: string,
  observer: StatementObserver,
): Promise<T> {
  let step = script.next([]);
  while (step.done !== true) {
    const statement = step.value.name;
    await observer({ verb, statement, phase: "before" });
    const rows = await send(step.value, session);
    await observer({ verb, statement, phase: "after" });
    step = script.next(rows);
  }
  return step.value;
}

function advance<T>(script: Script<T>, session: Session, rows: readonly Row[]): Awaitable<T> {
  let step = script.next(rows);
  while (step.done !== true) {
    const answer = send(step.value, session);
    if (answer instanceof Promise) return answer.then((later) => advance(script, session, later));
    step = script.next(answer);
  }
  return step.value;
}

function send(statement: Statement, session: Session): Awaitable<readonly Row[]> {
  if (statement.each === undefined) return session.query(statement.sql, statement.params ?? []);
  return sendEach(statement.sql, statement.each, session);
}

function sendEach(
  sql: string,
  each: readonly (readonly SqlValue[])[],
  session: Session,
): Awaitable<readonly Row[]> {
  const rows: Row[] = [];
  for (const [index, params] of each.entries()) {
    const answer = session.query(sql, params);
    if (answer instanceof Promise) {
      return answer.then(async (first) => [
        ...rows,
        ...first,
        ...(await sendEach(sql, each.slice(index + 1), session)),
      ]);
    }
    rows.push(...answer);
  }
  return rows;
}
