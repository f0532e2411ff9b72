import { sql, type SQL } from "drizzle-orm";
import type { PgDatabase, PgQueryResultHKT } from "drizzle-orm/pg-core";
import type { Parameter, Row, Session } from "./session.ts";

interface Template {
  readonly strings: TemplateStringsArray;
  /** For each placeholder of the text, in order, which parameter it takes. */
  readonly positions: readonly number[];
}

const templates = new Map<string, Template>();

/** Statements through drizzle's `execute`, which every Postgres driver has. */
export function drizzleSession(db: Pick<PgDatabase<PgQueryResultHKT>, "execute">): Session {
  return {
    async query(text, parameters) {
      const result: unknown = await db.execute(statement(text, parameters));
      return Array.isArray(result) ? result : (result as { readonly rows: readonly Row[] }).rows;
    },
  };
}

function statement(text: string, parameters: readonly Parameter[]): SQL {
  // Without parameters a `$1` is not ours: the functions of a migration have their own.
  if (parameters.length === 0) return sql.raw(text);
  const { strings, positions } = template(text);
  return sql(strings, ...positions.map((position) => parameters[position]));
}

function template(text: string): Template {
  const known = templates.get(text);
  if (known !== undefined) return known;
  const parts = text.split(/\$(\d+)/);
  const strings = parts.filter((_, index) => index % 2 === 0);
  const made: Template = {
    strings: Object.assign(strings, { raw: strings }),
    positions: parts.filter((_, index) => index % 2 === 1).map((number) => Number(number) - 1),
  };
  templates.set(text, made);
  return made;
}
