/** Removes what hack/up made: the cluster with all that it left on this machine, and the links. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

const commands = "/usr/local/bin";
const installed = "/usr/local/lib/tskube";
const program = join(installed, "tskube.mjs");

if (existsSync(program)) {
  const words = [
    "--disable-warning=ExperimentalWarning",
    program,
    "down",
    ...process.argv.slice(2),
  ];
  process.exitCode = spawnSync(process.execPath, words, { stdio: "inherit" }).status ?? 1;
} else console.log("hack/up has made nothing here");
for (const name of ["tskube", "tskubectl"]) {
  const command = join(commands, name);
  const isOurs =
    existsSync(command) && readFileSync(command, "utf8").includes("written by hack/up");
  if (isOurs) rmSync(command);
}
// Kept after a failure: it is needed to try again.
if (process.exitCode === undefined || process.exitCode === 0) {
  for (const folder of [installed, "/var/log/tskube"])
    rmSync(folder, { recursive: true, force: true });
}
