/** Packs every package as `pnpm publish` would, and checks what its users would get. Needs a build. */
import { execFileSync, spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const directory = mkdtempSync(join(tmpdir(), "sherd-packages-"));
execFileSync("pnpm", [
  "--silent",
  "--filter",
  "./packages/*",
  "exec",
  "pnpm",
  "pack",
  "--pack-destination",
  directory,
]);

for (const tarball of globSync("*.tgz", { cwd: directory }).sort()) {
  console.log(tarball);
  check("publint", ["run", "--strict", join(directory, tarball)]);
  check("attw", ["--profile", "esm-only", "--quiet", join(directory, tarball)]);
}
rmSync(directory, { recursive: true });

function check(program: string, programArguments: string[]): void {
  const { status } = spawnSync(program, programArguments, { stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
