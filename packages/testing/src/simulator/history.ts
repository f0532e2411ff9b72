/** What happened in one run, in words, with ids by the order in which they appeared: the same for the same seed. */
export class History {
  readonly lines: string[] = [];
  readonly #names = new Map<string, string>();

  add(atMs: number, who: string, what: string): void {
    this.lines.push(`${String(atMs).padStart(8)} ms  ${who.padEnd(4)} ${this.named(what)}`);
  }

  /** `text` with each UUID replaced by its number. */
  named(text: string): string {
    return text.replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => {
      const name = this.#names.get(id) ?? `#${this.#names.size + 1}`;
      this.#names.set(id, name);
      return name;
    });
  }
}
