/** How this machine's cgroups are mounted: v1, hybrid (v1 and an empty v2 tree), or v2. */
export interface CgroupHost {
  readonly style: "v1" | "hybrid" | "v2";
  /** v1 hierarchies, the named one (systemd's) included; empty on v2. */
  readonly hierarchies: readonly Hierarchy[];
  /** Where cgroup2 is mounted; absent on pure v1. */
  readonly unified?: string;
  /** Controllers that v2 offers at its root: cpu, memory, …; empty on hybrid hosts usually. */
  readonly unifiedControllers: readonly string[];
}

export interface Hierarchy {
  readonly mount: string;
  /** ["cpu", "cpuacct"] where they are mounted together; ["name=systemd"] for a named one. */
  readonly controllers: readonly string[];
}

const v1Controllers = new Set([
  "cpu",
  "cpuacct",
  "cpuset",
  "memory",
  "devices",
  "freezer",
  "net_cls",
  "net_prio",
  "blkio",
  "perf_event",
  "hugetlb",
  "pids",
  "rdma",
  "misc",
]);

/** Reads /proc/self/mountinfo's text. `unifiedControllers` is the v2 root's cgroup.controllers. */
export function parseCgroupHost(
  mountinfo: string,
  readControllers: (unifiedMount: string) => string,
): CgroupHost {
  const hierarchies: Hierarchy[] = [];
  let unified: string | undefined;
  for (const line of mountinfo.split("\n")) {
    const [left = "", right = ""] = line.split(" - ");
    const mount = unescapeMountinfo(left.split(" ")[4] ?? "");
    const [type, , options = ""] = right.split(" ");
    if (type === "cgroup2") unified ??= mount;
    if (type !== "cgroup") continue;
    const controllers = options
      .split(",")
      .filter((option) => v1Controllers.has(option) || option.startsWith("name="));
    const isKnown = hierarchies.some((known) => known.controllers[0] === controllers[0]);
    if (!isKnown && controllers.length > 0) hierarchies.push({ mount, controllers });
  }
  if (hierarchies.length === 0 && unified === undefined) {
    throw new Error("no cgroup file system is mounted: containers need one at /sys/fs/cgroup");
  }
  return {
    style: hierarchies.length === 0 ? "v2" : unified === undefined ? "v1" : "hybrid",
    hierarchies,
    ...(unified === undefined ? {} : { unified }),
    unifiedControllers:
      unified === undefined ? [] : readControllers(unified).split(/\s+/).filter(Boolean),
  };
}

/** Spaces and the like are octal in mountinfo: \040. */
export const unescapeMountinfo = (text: string): string =>
  text.replaceAll(/\\([0-7]{3})/g, (_, octal: string) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );

/** Folder of `path` in the hierarchy that has the controller; undefined where none has it. */
export function controllerFolder(
  host: CgroupHost,
  controller: string,
  path: string,
): string | undefined {
  const hierarchy = host.hierarchies.find(({ controllers }) => controllers.includes(controller));
  if (hierarchy !== undefined) return `${hierarchy.mount}${path}`;
  const isUnified = host.unified !== undefined && host.unifiedControllers.includes(controller);
  return isUnified ? `${host.unified}${path}` : undefined;
}

/** All folders of `path`, one a hierarchy, v2's last. */
export const cgroupFolders = (host: CgroupHost, path: string): readonly string[] => [
  ...host.hierarchies.map(({ mount }) => `${mount}${path}`),
  ...(host.unified === undefined ? [] : [`${host.unified}${path}`]),
];
