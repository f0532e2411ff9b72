import { writeFile } from "node:fs/promises";
import { Session } from "node:inspector/promises";

/** Run `what` under V8's sampling profiler and write the profile to a file; without a path, just run it. */
export async function profiled<T>(path: string | undefined, what: () => Promise<T>): Promise<T> {
  if (path === undefined) return what();
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.setSamplingInterval", { interval: 200 });
  await session.post("Profiler.start");
  const result = await what();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  await writeFile(path, JSON.stringify(profile));
  return result;
}
