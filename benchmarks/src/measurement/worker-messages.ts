import type { OpenOptions } from "../system.ts";
import type { SystemName } from "../systems.ts";
import type { WorkReport, WorkSpec } from "./workforce.ts";

/** What a worker process is asked; each question has one answer. */
export type WorkerQuestion =
  | {
      readonly ask: "open";
      readonly system: SystemName;
      readonly options: OpenOptions;
      readonly spec: WorkSpec;
    }
  | { readonly ask: "begin"; readonly tellsProgress: boolean }
  | { readonly ask: "mark" }
  | { readonly ask: "end" }
  | { readonly ask: "close" };

export type WorkerAnswer =
  | { readonly answer: "done" }
  | { readonly answer: "ended"; readonly report: WorkReport }
  /** Unasked: how many attempts have ended since the beginning. */
  | { readonly answer: "progress"; readonly ended: number };
