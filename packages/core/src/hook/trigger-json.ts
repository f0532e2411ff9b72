import { SherdError } from "../errors.ts";
import type { JsonRefusal } from "../json/json.ts";

/** The errors of a trigger's payload or trace that cannot be encoded. */
export class TriggerJson implements JsonRefusal {
  readonly #hook: string;
  readonly #part: "payload" | "trace";

  constructor(hook: string, part: "payload" | "trace") {
    this.#hook = hook;
    this.#part = part;
  }

  notSerializable(path: string, what: string): SherdError<"PAYLOAD_NOT_SERIALIZABLE"> {
    const hook = this.#hook;
    const where = path === "" ? "it is" : `at ${path} it holds`;
    return new SherdError(
      "PAYLOAD_NOT_SERIALIZABLE",
      `Cannot trigger "${hook}": its ${this.#part} must be plain JSON, but ${where} ${what}. ` +
        `Convert it first; a schema that transforms it back gives the handler the rich value.`,
      { hook, path },
    );
  }

  tooLarge(bytes: number, maxBytes: number): SherdError<"PAYLOAD_TOO_LARGE"> {
    const hook = this.#hook;
    return new SherdError(
      "PAYLOAD_TOO_LARGE",
      `Cannot trigger "${hook}": its ${this.#part} takes ${bytes} bytes as JSON and at most ${maxBytes} are allowed. ` +
        `Store the data in a table and pass its id, or raise durableHooks.maxPayloadBytes.`,
      { hook, bytes, maxBytes },
    );
  }
}
