import type { DatabaseAdapter, DurableHooksProcessor } from "@sherd/core";
import { createDurableHooksDispatcher } from "@sherd/dispatcher-node";
import { onTestFinished } from "vitest";
import type { RunSubjects, SubjectErrorContext, SubjectEvent, SubjectsOptions } from "../../src/index.ts";
import { dispatcherId, openSubjects, type pools, type TestSubjects } from "../use-subjects.ts";

export type Handle = RunSubjects<typeof pools, "warehouse">["handle"];
type Options = Partial<RunSubjects<typeof pools, "warehouse">>;

export interface Driven {
  readonly subjects: TestSubjects;
  readonly processor: DurableHooksProcessor;
  /** What has happened so far. */
  readonly events: readonly SubjectEvent[];
  readonly errors: readonly (SubjectErrorContext & { readonly error: unknown })[];
  /** The types of the events of one subject, in order. */
  eventsOf(subjectKey: string): readonly string[];
}

/** A driver of the pool of warehouses on an adapter, as a process would have it. It is stopped when the test has ended. */
export function drive(
  databaseAdapter: DatabaseAdapter,
  handle: Handle,
  options: Options = {},
  own: Partial<Omit<SubjectsOptions<typeof pools>, "databaseAdapter" | "pools">> = {},
): Driven {
  const events: SubjectEvent[] = [];
  const errors: (SubjectErrorContext & { readonly error: unknown })[] = [];
  const subjects = openSubjects(databaseAdapter, {
    onEvent: (event) => events.push(event),
    onError: (error, context) => errors.push({ error, ...context }),
    ...own,
  });
  const processor = subjects.runSubjects({ dispatcherId, handle, ...options });
  onTestFinished(() => processor.stop({ deadlineMs: 0 }));
  return {
    subjects,
    processor,
    events,
    errors,
    eventsOf: (key) =>
      events.filter((event) => "subjectKey" in event && event.subjectKey === key).map(({ type }) => type),
  };
}

/** Have a dispatcher run it. A poll alone would take a minute. */
export async function dispatch({ processor }: Driven): Promise<void> {
  const dispatcher = createDurableHooksDispatcher({ processor, pollIntervalMs: 60_000 });
  onTestFinished(() => dispatcher.stopPolling({ deadlineMs: 0 }));
  dispatcher.startPolling();
}
