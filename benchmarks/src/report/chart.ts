/** A small bar chart for the documentation, drawn by hand. */
import type { BenchmarkResult, ScenarioResult } from "../result.ts";
import { numberText } from "./format.ts";

const charted = ["drain", "trigger"];
const width = 720;
const labelWidth = 210;
const valueWidth = 80;
const barHeight = 18;
const rowHeight = 26;
const headHeight = 40;

const style = `
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600 }
  .note { font-size: 11px; fill: #6e7781 }
  .bar { fill: #afb8c1 }
  .floor { fill: #d8dee4 }
  .first { fill: #b5532c }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #8d96a0 } .bar { fill: #57606a } .floor { fill: #343b43 } .first { fill: #e0784a }
  }`;

/** The rates of the charted scenarios, the first contender's in colour. */
export function chart({ scenarios, machine, set, rounds, startedAt }: BenchmarkResult): string {
  const parts: string[] = [];
  let y = 10;
  for (const scenario of scenarios.filter(({ name }) => charted.includes(name))) {
    const { svg, height } = bars(scenario, y);
    parts.push(svg);
    y += height + 16;
  }
  const { cpu, cores } = machine;
  const note = `${cpu}, ${cores} cores · ${startedAt.slice(0, 10)} · ${set} set, median of ${rounds} rounds`;
  parts.push(`<text class="note" x="0" y="${y + 8}">${escaped(note)}</text>`);
  const head = `xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y + 18}" width="${width}" role="img"`;
  return `<svg ${head}>\n<title>How fast hooks are drained and triggered</title>\n<style>${style}\n</style>\n${parts.join("\n")}\n</svg>\n`;
}

function bars({ title, contenders, metric }: ScenarioResult, top: number): { svg: string; height: number } {
  const measured = contenders.flatMap(({ name, medians }, index) => {
    const value = medians[metric.key];
    return value === undefined ? [] : [{ name, value, isFirst: index === 0 }];
  });
  const sorted = measured.toSorted((one, other) => other.value - one.value);
  const scale = (width - labelWidth - valueWidth) / Math.max(1, ...sorted.map(({ value }) => value));
  const rows = sorted.map(({ name, value, isFirst }, index) => {
    const y = top + headHeight + index * rowHeight;
    const length = Math.max(1, value * scale).toFixed(1);
    const text = `y="${y + 14}"`;
    return [
      `<text x="${labelWidth - 10}" ${text} text-anchor="end">${escaped(name)}</text>`,
      `<rect class="${barClass(name, isFirst)}" x="${labelWidth}" y="${y}" width="${length}" height="${barHeight}" rx="2"/>`,
      `<text x="${(labelWidth + Number(length) + 8).toFixed(1)}" ${text}>${numberText(value)}${metric.unit}</text>`,
    ].join("");
  });
  const heading = `<text class="title" x="0" y="${top + 16}">${escaped(title)}</text>`;
  return { svg: [heading, ...rows].join("\n"), height: headHeight + rows.length * rowHeight };
}

/** What is written by hand is no choice that a reader has, only what there is to be reached. */
function barClass(name: string, isFirst: boolean): string {
  if (isFirst) return "first";
  return name.includes("by hand") ? "floor" : "bar";
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
