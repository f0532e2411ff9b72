/** What the documentation's tests read in a markdown page. */
import { readFileSync } from "node:fs";

export interface Section {
  /** The heading's text, without backticks. */
  readonly heading: string;
  /** 1 for the page's title. */
  readonly level: number;
  /** Everything below the heading, up to the next one of any level. */
  readonly text: string;
}

export interface CodeBlock {
  /** What stands behind the three backticks: `ts`, `ts alone`, `sh`. */
  readonly info: string;
  /** Where its code begins in the page, counted from 0. */
  readonly line: number;
  readonly code: string;
}

/** A page as it stands in the working tree, with `\n` for line ends. */
export function readPage(file: string | URL): string {
  return readFileSync(file, "utf8").replaceAll("\r\n", "\n");
}

export function codeBlocks(page: string): readonly CodeBlock[] {
  return [...page.matchAll(/^```(.*)\n([^]*?)^```$/gm)].map((match) => ({
    info: match[1] ?? "",
    line: page.slice(0, match.index).split("\n").length,
    code: match[2] ?? "",
  }));
}

/** Code that the page's blocks rely on and its readers do not see: `<!-- scope … -->`. */
export function hiddenScope(page: string): string {
  return [...page.matchAll(/^<!-- scope\n([^]*?)^-->$/gm)].map((match) => match[1] ?? "").join("");
}

export function sections(page: string): readonly Section[] {
  const parts = prose(page).split(/^(?=#{1,6} )/m);
  return parts.flatMap((part) => {
    const [, marks, heading] = /^(#{1,6}) (.*)/.exec(part) ?? [];
    if (marks === undefined || heading === undefined) return [];
    return [{ heading: heading.replaceAll("`", ""), level: marks.length, text: part }];
  });
}

/** The targets of the page's links, those in its code left out. */
export function links(page: string): readonly string[] {
  return [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? "");
}

/** The words between single backticks. */
export function inlineCode(page: string): readonly string[] {
  return [...prose(page).matchAll(/`([^`\n]+)`/g)].map((match) => match[1] ?? "");
}

/** The id that GitHub gives to a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number} _-]/gu, "")
    .replaceAll(" ", "-");
}

function prose(page: string): string {
  return page.replaceAll(/^```[^]*?^```$/gm, "").replaceAll(/<!--[^]*?-->/g, "");
}
