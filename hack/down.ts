/** Removes what hack/up made: the cluster with all that it left on this machine, and the links. */
import { spawnSync } from "node:child_process";
import { lstatSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const { status } = spawnSync(join(root, "bin/tskube"), ["down", ...process.argv.slice(2)], {
  stdio: "inherit",
});
for (const name of ["tskube", "tskubectl"]) {
  const link = join("/usr/local/bin", name);
  const isOurs =
    lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true &&
    readlinkSync(link) === join(root, "bin", name);
  if (isOurs) rmSync(link);
}
rmSync("/var/log/tskube", { recursive: true, force: true });
process.exitCode = status ?? 1;
