import { closeSync, readFileSync } from "node:fs";
import { chainOf } from "../../pkg/base/errors.ts";
import { readCgroupHost } from "../../pkg/linux/cgroup.ts";
import { openNftables } from "../../pkg/linux/nftables.ts";
import { systemKernel } from "../../pkg/linux/system-kernel.ts";

/** Something that this machine lacks for containers, and how to get it. */
export interface Lack {
  readonly what: string;
  readonly remedy: string;
}

interface Check {
  /** Throws where it cannot be had. */
  readonly probe: () => void;
  readonly what: string;
  readonly remedy: string;
  /** Without root the probe would only tell that. */
  readonly needsRoot?: true;
}

function spawnInNamespaces(): void {
  const kernel = systemKernel();
  const child = kernel.spawn({ namespaces: ["pid", "mount", "uts", "ipc", "network"] }, [
    {
      call: "execve",
      args: ["/bin/true", { words: ["true", 0] }, { words: [0] }],
      because: "a process of its own namespaces",
    },
  ]);
  kernel.call("waitid", [["P_PIDFD"], child.pidfd, 0, ["WEXITED"], 0]);
  closeSync(child.pidfd);
}

function assertFileSystem(name: string): void {
  const known = readFileSync("/proc/filesystems", "utf8").split(/\s+/);
  if (!known.includes(name)) throw new Error(`the kernel has no ${name}`);
}

const checks: readonly Check[] = [
  {
    what: "root",
    remedy: "run it with sudo, or as root",
    probe: () => {
      if (process.getuid?.() !== 0) throw new Error(`this is user ${process.getuid?.()}`);
    },
  },
  {
    what: "the packet filter's library",
    remedy: "apt-get install nftables",
    probe: () => void openNftables(),
  },
  {
    what: "namespaces (pid, mount, uts, ipc, network)",
    remedy: "a kernel with CONFIG_NAMESPACES; inside a container: one that is privileged",
    probe: spawnInNamespaces,
    needsRoot: true,
  },
  {
    what: "overlay file systems",
    remedy: "modprobe overlay, or a kernel with CONFIG_OVERLAY_FS",
    probe: () => assertFileSystem("overlay"),
  },
  {
    what: "control groups below /sys/fs/cgroup",
    remedy: "mount -t cgroup2 none /sys/fs/cgroup",
    probe: () => void readCgroupHost(),
  },
];

/** Everything that is missing, told at once. */
export function lacksForContainers(): readonly Lack[] {
  const isRoot = process.getuid?.() === 0;
  return checks.flatMap(({ what, remedy, probe, needsRoot }) => {
    if (needsRoot === true && !isRoot) return [];
    try {
      probe();
      return [];
    } catch (error) {
      return [{ what: `${what} (${chainOf(error)})`, remedy }];
    }
  });
}

export const describeLacks = (lacks: readonly Lack[]): string =>
  [
    "this machine cannot run containers; it lacks",
    ...lacks.map(({ what, remedy }) => `  ${what}: ${remedy}`),
    "without all that, `tskube up --simulate` runs the same cluster with simulated nodes",
  ].join("\n");
