import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** A cgroup hierarchy of the host, and the part of it that is one machine's whole tree. */
export interface CgroupMount {
  readonly mount: string;
  readonly folder: string;
}

const mounts = (): readonly string[] =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] ?? "");

/** The machine's cgroup in every hierarchy; made unless `make` is false. */
export function machineCgroups(name: string, make = true): readonly CgroupMount[] {
  return mounts().map((mount) => {
    const folder = join(mount, name);
    if (make) makeCgroup(mount, folder);
    return { mount, folder };
  });
}

function makeCgroup(mount: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  // v1's cpuset begins empty, and takes no process then.
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const above = join(mount, file);
    const isV1 = existsSync(above) && existsSync(join(folder, "cgroup.clone_children"));
    if (isV1) writeFileSync(join(folder, file), readFileSync(above, "utf8"));
  }
}

/** Removes an empty tree, the deepest first: a cgroup goes by rmdir alone. */
export function removeCgroup(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
  }
  rmdirSync(folder);
}
