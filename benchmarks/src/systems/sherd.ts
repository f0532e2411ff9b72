import { postgresAdapter } from "@sherd/postgres";
import type { System } from "../system.ts";
import { openSherd, sherdSettings } from "./sherd-driver.ts";

export const sherd: System = {
  name: "Sherd",
  package: "@sherd/core",
  backend: "postgres",
  settings: sherdSettings,
  cannot: {},
  countDivisor: 1,
  open: (options) => openSherd(() => postgresAdapter(options.url), options),
};
