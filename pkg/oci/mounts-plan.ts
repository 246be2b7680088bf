import type { Mount } from "../../api/oci/runtime.ts";
import type { Flag } from "../linux/constants.ts";
import type { Syscall } from "../linux/syscall.ts";
import { planCgroupView } from "./cgroup-view-plan.ts";
import { hasNamespace, type ContainerPlan } from "./container-plan.ts";
import { parseMountOptions, type MountOptions } from "./mount-options-plan.ts";
import { planFile, planFolder } from "./places-plan.ts";
import { shiftVolume } from "./user-namespace-plan.ts";

/** The part that needs the host's paths: a detached copy of the source of each bind mount. */
export function planBindSources({ spec }: ContainerPlan): readonly Syscall[] {
  return (spec.mounts ?? []).flatMap((mount, index): readonly Syscall[] => {
    const options = parseMountOptions(mount.options ?? []);
    if (!isBind(mount, options)) return [];
    const tree: readonly Flag[] = options.bind === "one" ? [] : ["AT_RECURSIVE"];
    return [
      {
        call: "open_tree",
        args: [["AT_FDCWD"], mount.source ?? "", ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC", ...tree]],
        because: `for ${mount.destination}: the host's paths end with pivot_root`,
        as: bindName(index),
      },
      ...shiftVolume(spec, mount, { result: bindName(index) }),
    ];
  });
}

/** Inside the new root: places are made where they are missing, then mounted on, in order. */
export function planMounts(plan: ContainerPlan): readonly Syscall[] {
  const made = new Set<string>();
  return (plan.spec.mounts ?? []).flatMap((mount, index) => {
    const steps = planMount(plan, mount, index).filter((step) => isNew(made, step));
    // What was made below is hidden by the new mount.
    for (const path of made) if (path.startsWith(`${mount.destination}/`)) made.delete(path);
    return steps;
  });
}

function planMount(plan: ContainerPlan, mount: Mount, index: number): readonly Syscall[] {
  const options = parseMountOptions(mount.options ?? []);
  if (isBind(mount, options)) return placeBind(plan, mount, index, options);
  if (mount.type === "cgroup" || mount.type === "cgroup2") {
    return planCgroupView(plan, mount.destination, options);
  }
  return newFileSystem(mount, options);
}

/** A folder is made once: "/dev" needs no second try for each mount below it. */
function isNew(made: Set<string>, { call, args: [, path] }: Syscall): boolean {
  if (call !== "mkdirat" || typeof path !== "string") return true;
  if (made.has(path)) return false;
  made.add(path);
  return true;
}

const isBind = (mount: Mount, options: MountOptions): boolean =>
  mount.type === "bind" || options.bind !== "no";

const bindName = (index: number): string => `bind ${index}`;

function placeBind(
  { host }: ContainerPlan,
  mount: Mount,
  index: number,
  options: MountOptions,
): readonly Syscall[] {
  const from = { result: bindName(index) };
  const place = host.files.has(mount.source ?? "")
    ? planFile(mount.destination)
    : planFolder(mount.destination);
  const { propagation } = options;
  // Shared and slave keep their tie to the host's mounts, which a copy of a shared mount has.
  const reach = propagation?.flag ?? "MS_PRIVATE";
  return [
    ...place,
    setAttributes(from, [], [], reach, propagation?.isRecursive ?? true),
    ...(options.set.length + options.clear.length === 0
      ? []
      : [setAttributes(from, options.set, options.clear, undefined, false)]),
    ...(options.setBelow.length + options.clearBelow.length === 0
      ? []
      : [setAttributes(from, options.setBelow, options.clearBelow, undefined, true)]),
    {
      call: "move_mount",
      args: [
        from,
        "",
        ["AT_FDCWD"],
        mount.destination,
        ["MOVE_MOUNT_F_EMPTY_PATH", "MOVE_MOUNT_T_SYMLINKS"],
      ],
      because: `${mount.source ?? ""} is seen there`,
    },
  ];
}

/** mount_setattr(2) on a detached tree: nobody sees it half done. */
const setAttributes = (
  tree: { readonly result: string },
  set: readonly Flag[],
  clear: readonly Flag[],
  propagation: Flag | undefined,
  isRecursive: boolean,
): Syscall => ({
  call: "mount_setattr",
  args: [
    tree,
    "",
    isRecursive ? ["AT_EMPTY_PATH", "AT_RECURSIVE"] : ["AT_EMPTY_PATH"],
    { words: [set, clear, propagation === undefined ? 0 : [propagation], 0] },
    32,
  ],
  because: "before it has a place, so that nobody sees it otherwise",
});

function newFileSystem(mount: Mount, options: MountOptions): readonly Syscall[] {
  const { destination, type = "none", source = type } = mount;
  const { flags, data, propagation } = options;
  // An image may hold a link in place of these; mounting through it would leave the real place
  // unmasked (CVE-2023-27561), so it must be a folder.
  const isKernels = type === "proc" || type === "sysfs";
  const target = isKernels ? "." : destination;
  const enter: readonly Syscall[] = [
    {
      call: "openat2",
      args: [
        ["AT_FDCWD"],
        destination,
        { words: [["O_PATH", "O_DIRECTORY"], 0, ["RESOLVE_NO_SYMLINKS"]] },
        24,
      ],
      because: "a link in its place would leave the real one unmasked",
      as: `place ${destination}`,
    },
    { call: "fchdir", args: [{ result: `place ${destination}` }], because: "to name it '.'" },
  ];
  return [
    ...planFolder(destination),
    ...(isKernels ? enter : []),
    {
      call: "mount",
      args: [source, target, type, flags, data === "" ? 0 : data],
      because: `${type} for ${destination}`,
    },
    ...(isKernels ? [{ call: "chdir", args: ["/"], because: "back" } as const] : []),
    ...(propagation === undefined
      ? []
      : [setPropagation(destination, propagation.flag, propagation.isRecursive)]),
  ];
}

const setPropagation = (place: string, flag: Flag, isRecursive: boolean): Syscall => ({
  call: "mount",
  args: ["", place, "", isRecursive ? [flag, "MS_REC"] : [flag], 0],
  because: "as asked",
});

/** Whether /dev is a fresh file system, so that its nodes are ours to make. */
export const hasOwnDev = ({ spec }: ContainerPlan): boolean =>
  hasNamespace(spec, "mount") &&
  (spec.mounts ?? []).some(({ destination, type }) => destination === "/dev" && type === "tmpfs");
