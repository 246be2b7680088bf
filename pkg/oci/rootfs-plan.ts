import type { Argument, Syscall } from "../linux/syscall.ts";
import type { ContainerPlan, HostFacts, Overlay } from "./container-plan.ts";
import { shiftLayers } from "./user-namespace-plan.ts";

const rootFd: Argument = { result: "root" };

/**
 * The container's root becomes "/". Everything after resolves paths inside it by construction:
 * no string of the image can lead outside, which is why mounts are made after it, not before.
 */
export function planRoot({ spec, overlay, host }: ContainerPlan): readonly Syscall[] {
  const root = overlay === undefined ? bindRoot(spec.root?.path ?? "") : overlayRoot(overlay, host);
  return [
    {
      call: "mount",
      args: ["", "/", "", ["MS_REC", "MS_PRIVATE"], 0],
      because: "nothing mounted below may appear on the host",
    },
    ...shiftLayers(spec, overlay?.lower ?? []),
    ...root,
    {
      call: "move_mount",
      args: [rootFd, "", ["AT_FDCWD"], "/", ["MOVE_MOUNT_F_EMPTY_PATH"]],
      because: "pivot_root wants a mount point; any will do",
    },
    { call: "fchdir", args: [rootFd], because: "so that the new root can be named '.'" },
    {
      call: "pivot_root",
      args: [".", "."],
      because: "stacks the old root on the new one: no folder needed for it",
    },
    {
      call: "umount2",
      args: [".", ["MNT_DETACH"]],
      because: "'.' now resolves to the old root, on top",
    },
    { call: "chdir", args: ["/"], because: "into the new root" },
  ];
}

const bindRoot = (path: string): readonly Syscall[] => [
  {
    call: "open_tree",
    args: [["AT_FDCWD"], path, ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC", "AT_RECURSIVE"]],
    because: "the root file system as a mount of its own",
    as: "root",
  },
];

function overlayRoot(overlay: Overlay, host: HostFacts): readonly Syscall[] {
  return host.overlayLayersOneByOne ? overlayByLayers(overlay) : overlayByOptions(overlay);
}

/** fsconfig(2) takes each layer alone: any number, any characters. */
function overlayByLayers({ lower, upper, work }: Overlay): readonly Syscall[] {
  const set = (key: string, value: string, because: string): Syscall => ({
    call: "fsconfig",
    args: [{ result: "overlay" }, ["FSCONFIG_SET_STRING"], key, value, 0],
    because,
  });
  return [
    {
      call: "fsopen",
      args: ["overlay", ["FSOPEN_CLOEXEC"]],
      because: "mounted in this namespace only: it goes when the container goes",
      as: "overlay",
    },
    ...lower.map((layer) => set("lowerdir+", layer, "a layer of the image, uppermost first")),
    set("upperdir", upper, "what the container writes"),
    set("workdir", work, "overlayfs prepares its changes there"),
    {
      call: "fsconfig",
      args: [{ result: "overlay" }, ["FSCONFIG_CMD_CREATE"], 0, 0, 0],
      because: "checks the layers",
    },
    {
      call: "fsmount",
      args: [{ result: "overlay" }, ["FSMOUNT_CLOEXEC"], 0],
      because: "a mount without a place yet",
      as: "root",
    },
  ];
}

/** Before Linux 6.5: one string, a page at most, with commas and colons escaped. */
const overlayByOptions = ({ lower, upper, work }: Overlay): readonly Syscall[] => [
  {
    call: "mount",
    args: [
      "overlay",
      upper,
      "overlay",
      0,
      `lowerdir=${lower.map(escaped).join(":")},upperdir=${escaped(upper)},workdir=${escaped(work)}`,
    ],
    because: "mounted in this namespace only: it goes when the container goes",
  },
  {
    call: "open_tree",
    args: [["AT_FDCWD"], upper, ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC"]],
    because: "the overlay, apart from where it was mounted",
    as: "root",
  },
];

const escaped = (path: string): string => path.replaceAll(/[\\,:]/g, String.raw`\$&`);
