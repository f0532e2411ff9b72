import { globSync } from "node:fs";
import { defineConfig } from "vitest/config";

const projects = ["tooling", ...globSync(["packages/*", "examples/*"])].sort();

/** Folders whose tests never ask for `postgresUrl`; a run of nothing else starts no PostgreSQL. */
const withoutPostgres = [
  "examples/testing",
  "packages/cli",
  "packages/core",
  "packages/dispatcher-node",
  "packages/sqlite",
];

const conditions = ["@sherd/source", "node"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    maxWorkers: 2,
    execArgv: ["--conditions=@sherd/source"],
    projects: projects.map((root) => ({
      extends: true,
      test: {
        name: root.replace("packages/", ""),
        root,
        include: ["**/*.test.ts"],
        globalSetup: withoutPostgres.includes(root) ? [] : [`${import.meta.dirname}/tooling/postgres.ts`],
      },
    })),
  },
});
