/** `npm start`: see for yourself that hooks commit with your data. With `--serve`: try the server with curl. */
import { prove } from "./demo/prove.ts";
import { serve } from "./demo/serve.ts";
import { openSystem, type System } from "./demo/system.ts";

const args = process.argv.slice(2);
if (args.some((arg) => arg !== "--serve")) {
  console.error("Usage: npm start [-- --serve]");
  process.exit(2);
}
const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interruption.abort());
process.exit(await main(interruption));

async function main({ signal }: AbortController): Promise<number> {
  let system: System | null = null;
  try {
    system = await openSystem();
    if (!args.includes("--serve")) return (await prove(system, signal)) ? 0 : 1;
    await serve(system, signal);
    return 0;
  } catch (error) {
    if (signal.aborted) return 130;
    console.error(error);
    return 1;
  } finally {
    await system?.close();
  }
}
