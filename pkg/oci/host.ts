import { readFileSync, statSync } from "node:fs";
import type { Spec } from "../../api/oci/runtime.ts";
import { parseCapabilities } from "../linux/capabilities.ts";
import { readCgroupHost } from "../linux/cgroup.ts";
import type { CgroupHost } from "../linux/cgroup-host.ts";
import type { Kernel } from "../linux/kernel.ts";
import { SeccompPrograms } from "../linux/seccomp-programs.ts";
import type { HostFacts } from "./container-plan.ts";

/** What does not change while we run, read once. */
export interface Host {
  readonly cgroup: CgroupHost;
  readonly capabilities: bigint;
  readonly lastCapability: number;
  readonly overlayLayersOneByOne: boolean;
  /** Of all containers that are started here. */
  readonly seccomp: SeccompPrograms;
}

export function readHost(): Host {
  return {
    cgroup: readCgroupHost(),
    capabilities: parseCapabilities(readFileSync("/proc/self/status", "utf8"), "CapPrm"),
    lastCapability: Number(readFileSync("/proc/sys/kernel/cap_last_cap", "utf8")),
    overlayLayersOneByOne: isAtLeast(readFileSync("/proc/sys/kernel/osrelease", "utf8"), 6, 5),
    seccomp: new SeccompPrograms(),
  };
}

/** "6.18.44-x" is at least 6.5. */
export function isAtLeast(release: string, major: number, minor: number): boolean {
  const [, first = "0", second = "0"] = /^(\d+)\.(\d+)/.exec(release) ?? [];
  return Number(first) > major || (Number(first) === major && Number(second) >= minor);
}

/** The host beside one container's own facts. */
export const factsFor = (kernel: Kernel, host: Host, spec: Pick<Spec, "mounts">): HostFacts => ({
  architecture: kernel.architecture,
  capabilities: host.capabilities,
  lastCapability: host.lastCapability,
  overlayLayersOneByOne: host.overlayLayersOneByOne,
  cgroup: host.cgroup,
  files: new Set(
    (spec.mounts ?? []).flatMap(({ source }) =>
      source?.startsWith("/") === true && isFile(source) ? [source] : [],
    ),
  ),
});

/** What is not there is no file; mounting it will tell. */
const isFile = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
