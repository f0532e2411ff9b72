import { relative } from "node:path";
import { fileURLToPath } from "node:url";

/** As the inspector writes it. */
export interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[];
  readonly samples: readonly number[];
  /** Microseconds before each sample. */
  readonly timeDeltas: readonly number[];
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}

export interface SelfTime {
  readonly place: string;
  readonly ms: number;
}

/** How long each function itself was on top of the stack, the longest first; files relative to `root`. */
export function selfTimes({ nodes, samples, timeDeltas }: CpuProfile, root: string): readonly SelfTime[] {
  const ofThemselves = nodes.filter(({ callFrame }) => !callFrame.url.startsWith("node:inspector"));
  const placeOf = new Map(ofThemselves.map(({ id, callFrame }) => [id, placeText(callFrame, root)]));
  const times = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    const place = placeOf.get(id);
    if (place !== undefined) times.set(place, (times.get(place) ?? 0) + (timeDeltas[index] ?? 0) / 1_000);
  }
  return [...times].map(([place, ms]) => ({ place, ms })).toSorted((one, other) => other.ms - one.ms);
}

function placeText({ functionName, url, lineNumber }: CallFrame, root: string): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  if (url === "") return name;
  const file = url.startsWith("file:") ? relative(root, fileURLToPath(url)) : url;
  return `${name.padEnd(32)} ${file.split("node_modules/").at(-1)}:${lineNumber + 1}`;
}
