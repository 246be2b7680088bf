import type { Device } from "../../api/oci/runtime.ts";
import type { Flag } from "../linux/constants.ts";
import type { Syscall } from "../linux/syscall.ts";
import type { ContainerPlan } from "./container-plan.ts";
import { hasOwnDev } from "./mounts-plan.ts";
import { planFile, prefixes } from "./places-plan.ts";

/** Devices of every container (runtime-spec, config-linux, "Default Devices"). */
const defaultDevices: readonly Device[] = [
  { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o666 },
  { path: "/dev/zero", type: "c", major: 1, minor: 5, fileMode: 0o666 },
  { path: "/dev/full", type: "c", major: 1, minor: 7, fileMode: 0o666 },
  { path: "/dev/random", type: "c", major: 1, minor: 8, fileMode: 0o666 },
  { path: "/dev/urandom", type: "c", major: 1, minor: 9, fileMode: 0o666 },
  { path: "/dev/tty", type: "c", major: 5, minor: 0, fileMode: 0o666 },
];

/** The links that the specification asks for beside them. */
const links: readonly (readonly [path: string, target: string])[] = [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
];

/** Nodes and links in /dev; nothing when /dev is the host's or the image's own. */
export function planDevices(plan: ContainerPlan): readonly Syscall[] {
  if (!hasOwnDev(plan)) return [];
  const asked = plan.spec.linux?.devices ?? [];
  const paths = new Set(asked.map(({ path }) => path));
  const devices = [...defaultDevices.filter(({ path }) => !paths.has(path)), ...asked];
  const hasPts = (plan.spec.mounts ?? []).some(({ type }) => type === "devpts");
  return [
    ...devices.flatMap(planDevice),
    ...[...links, ...(hasPts ? [["/dev/ptmx", "pts/ptmx"] as const] : [])].map(planLink),
  ];
}

const kinds: Readonly<Record<Device["type"], Flag>> = {
  c: "S_IFCHR",
  u: "S_IFCHR",
  b: "S_IFBLK",
  p: "S_IFIFO",
};

function planDevice(device: Device): readonly Syscall[] {
  const { path, type, major = 0, minor = 0, fileMode = 0o666, uid = 0, gid = 0 } = device;
  return [
    ...prefixes(path)
      .slice(1, -1)
      .map((folder): Syscall => ({
        call: "mkdirat",
        args: [["AT_FDCWD"], folder, 0o755],
        because: "a folder for a device",
        may: ["EEXIST"],
      })),
    {
      call: "mknodat",
      args: [["AT_FDCWD"], path, modeOf(kinds[type], fileMode), deviceNumber(major, minor)],
      because: "a device of the container; which may be used, its cgroup decides",
    },
    ...(uid === 0 && gid === 0
      ? []
      : [
          {
            call: "fchownat",
            args: [["AT_FDCWD"], path, uid, gid, ["AT_SYMLINK_NOFOLLOW"]],
            because: "its owner as asked",
          } as const,
        ]),
  ];
}

const kindBits: Readonly<Record<string, number>> = {
  S_IFCHR: 0o020000,
  S_IFBLK: 0o060000,
  S_IFIFO: 0o010000,
};
const modeOf = (kind: Flag, mode: number): number => (kindBits[kind] ?? 0) + (mode & 0o7777);

/** dev_t as mknod(2) takes it: low 8 bits of minor, 12 of major, the other bits of minor. */
export const deviceNumber = (major: number, minor: number): number =>
  (minor & 0xff) + ((major & 0xfff) << 8) + (minor >>> 8) * 2 ** 20;

const planLink = ([path, target]: readonly [string, string]): Syscall => ({
  call: "symlinkat",
  args: [target, ["AT_FDCWD"], path],
  because: "as every container has it",
  may: ["EEXIST"],
});

/**
 * Where /dev is not ours to fill, its null may be anything: the host's is taken before the pivot
 * and laid over it, since masks are copies of it.
 */
export const planMaskSource = (plan: ContainerPlan): readonly Syscall[] =>
  hasOwnDev(plan) || !hasMasks(plan)
    ? []
    : [
        {
          call: "open_tree",
          args: [["AT_FDCWD"], "/dev/null", ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC"]],
          because: "masks need a null that no image can replace",
          as: "null",
        },
      ];

const hasMasks = ({ spec }: ContainerPlan): boolean => (spec.linux?.maskedPaths ?? []).length > 0;

/**
 * A file is masked by null, a folder by an empty tmpfs: of the two calls the one that does not fit
 * fails with ENOTDIR, and both with ENOENT where there is nothing to mask.
 */
export function planMasks(plan: ContainerPlan): readonly Syscall[] {
  if (!hasMasks(plan)) return [];
  const place: readonly Syscall[] = hasOwnDev(plan)
    ? []
    : [
        ...planFile("/dev/null"),
        {
          call: "move_mount",
          args: [{ result: "null" }, "", ["AT_FDCWD"], "/dev/null", ["MOVE_MOUNT_F_EMPTY_PATH"]],
          because: "the host's own",
        },
      ];
  return [...place, ...(plan.spec.linux?.maskedPaths ?? []).flatMap(maskPath)];
}

const maskPath = (path: string): readonly Syscall[] => [
  {
    call: "mount",
    args: ["/dev/null", path, "", ["MS_BIND"], 0],
    because: "masked, if it is a file",
    may: ["ENOENT", "ENOTDIR"],
  },
  {
    call: "mount",
    args: ["tmpfs", path, "tmpfs", ["MS_RDONLY"], "size=0k"],
    because: "masked, if it is a folder",
    may: ["ENOENT", "ENOTDIR"],
  },
];

/** Read-only places: a mount of themselves on themselves, then the attribute. */
export const planReadonlyPaths = ({ spec }: ContainerPlan): readonly Syscall[] =>
  (spec.linux?.readonlyPaths ?? []).flatMap((path): readonly Syscall[] => [
    {
      call: "mount",
      args: [path, path, "", ["MS_BIND", "MS_REC"], 0],
      because: "only a mount can be read-only",
      may: ["ENOENT", "ENOTDIR"],
    },
    readonlyMount(path, ["ENOENT", "ENOTDIR"]),
  ]);

export const planReadonlyRoot = ({ spec }: ContainerPlan): readonly Syscall[] =>
  spec.root?.readonly === true ? [readonlyMount("/")] : [];

const readonlyMount = (path: string, may?: readonly string[]): Syscall => ({
  call: "mount_setattr",
  args: [["AT_FDCWD"], path, 0, { words: [["MOUNT_ATTR_RDONLY"], 0, 0, 0] }, 32],
  because: "from here on it is only read",
  ...(may === undefined ? {} : { may }),
});

/** /dev/console is the terminal itself; it is the first of its devpts. */
export const planConsole = (): readonly Syscall[] => [
  ...planFile("/dev/console"),
  {
    call: "mount",
    args: ["/dev/pts/0", "/dev/console", "", ["MS_BIND"], 0],
    because: "programs look for their terminal there",
  },
];
