import { styleText } from "node:util";
import type { SubjectEvent } from "@sherd/subjects";

const barWidth = 12;

/** Prints a line each time a warehouse advances, fails, or goes on in another process. */
export class Progress {
  #finished = 0;

  show(event: SubjectEvent): void {
    if (event.type === "discovered") return note(`The API has ${event.subjects} warehouses.`);
    const { type, subjectKey: warehouse } = event;
    switch (type) {
      case "claimed":
        if (event.consecutiveTimeouts > 0)
          note(`${warehouse} was held by a process that is gone, and goes on from its checkpoint.`);
        return;
      case "checkpointed":
        return console.log(`  ${warehouse} ${bar(event.cursor as { done: number; of: number })}`);
      case "succeeded":
        this.#finished += 1;
        return console.log(
          `  ${warehouse} ${styleText("green", "done")} (${this.#finished} in this process)`,
        );
      case "failed": {
        const again = event.nextDueAt === null ? "parked" : `again at ${time(event.nextDueAt)}`;
        return console.log(`  ${warehouse} ${styleText("yellow", `${messageOf(event.error)}, ${again}`)}`);
      }
      default:
        return console.log(`  ${warehouse} ${styleText("yellow", type)}`);
    }
  }
}

/** Say what happened, in a line that stands out. */
export function note(text: string): void {
  console.log(`${styleText("cyan", "▸")} ${text}`);
}

function bar({ done, of }: { readonly done: number; readonly of: number }): string {
  const filled = Math.round((barWidth * done) / of);
  return `${"█".repeat(filled)}${styleText("dim", "░".repeat(barWidth - filled))} ${done}/${of}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function time(date: Date): string {
  return date.toISOString().slice(11, 23);
}
