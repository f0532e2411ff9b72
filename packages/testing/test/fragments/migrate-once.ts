/** A process that migrates once, as one of several that a deploy starts together, and sends its parent the report. */
import { migrate } from "@sherd/core";
import { openAdapter } from "../../../../tooling/open-adapter.ts";
import { addColumn, initial, openShop } from "./shop.ts";

const [location = "", ...namespaces] = process.argv.slice(2);
const adapter = openAdapter(location);
process.once("message", async () => {
  const shops = namespaces.map((namespace) => openShop(adapter, namespace, [initial, addColumn]));
  process.send?.(await migrate(...shops));
  await adapter.close();
  process.disconnect();
});
process.send?.("ready");
