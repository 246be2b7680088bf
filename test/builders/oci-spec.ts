import type { Linux, Mount, Process, Spec } from "../../api/oci/runtime.ts";
import { defaultCapabilities } from "../../pkg/linux/capabilities.ts";
import { defaultSeccomp } from "../../pkg/linux/seccomp-default.ts";

/** What every container of a pod gets: the mounts, masks and devices of the OCI defaults. */
const defaultMounts: readonly Mount[] = [
  {
    destination: "/proc",
    type: "proc",
    source: "proc",
    options: ["nosuid", "noexec", "nodev"],
  },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
  },
  {
    destination: "/dev/mqueue",
    type: "mqueue",
    source: "mqueue",
    options: ["nosuid", "noexec", "nodev"],
  },
  {
    destination: "/sys",
    type: "sysfs",
    source: "sysfs",
    options: ["nosuid", "noexec", "nodev", "ro"],
  },
  {
    destination: "/sys/fs/cgroup",
    type: "cgroup",
    source: "cgroup",
    options: ["nosuid", "noexec", "nodev", "relatime", "ro"],
  },
];

const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
];
const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

export interface SpecChanges {
  readonly process?: Partial<Process>;
  readonly linux?: Partial<Linux>;
  /** After the default ones. */
  readonly mounts?: readonly Mount[];
  readonly root?: Spec["root"];
}

/** A container with full defaults that runs `args`; the cgroup is the test's own. */
export function ociSpec(
  cgroupsPath: string,
  args: readonly string[],
  changes: SpecChanges = {},
): Spec {
  const capabilities = defaultCapabilities;
  return {
    ociVersion: "1.3.0",
    hostname: "test",
    root: changes.root ?? { path: "/nowhere" },
    process: {
      args,
      cwd: "/",
      env: ["PATH=/bin"],
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
      },
      noNewPrivileges: true,
      oomScoreAdj: 100,
      ...changes.process,
    },
    mounts: [...defaultMounts, ...(changes.mounts ?? [])],
    linux: {
      namespaces: [
        { type: "pid" },
        { type: "network" },
        { type: "ipc" },
        { type: "uts" },
        { type: "mount" },
        { type: "cgroup" },
      ],
      cgroupsPath,
      maskedPaths,
      readonlyPaths,
      seccomp: defaultSeccomp(capabilities) as NonNullable<Linux["seccomp"]>,
      resources: { devices: [{ allow: false, access: "rwm" }] },
      ...changes.linux,
    },
  };
}
