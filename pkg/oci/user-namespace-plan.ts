/**
 * A container in a user namespace of its pod: root inside, nobody in particular on the host. The
 * tape does all that needs the host's root first (layers and mounts, shifted by the namespace's
 * maps), and enters the namespace as late as it can. Its mount namespace is then a copy that the
 * user namespace owns, in which nothing that was hidden can be uncovered. Its pid and cgroup
 * namespaces stay the host's: a container with CAP_SYS_ADMIN cannot mount another /proc.
 */
import type { IdMapping, Mount, Process, Spec } from "../../api/oci/runtime.ts";
import type { Argument, Syscall } from "../linux/syscall.ts";
import { openStep } from "./container-plan.ts";
import type { StdioOwner } from "./stdio-plan.ts";

export interface UserNamespace {
  /** A namespace file whose maps are written. */
  readonly path: string;
  /** Host ids of the container's root. */
  readonly uid: number;
  readonly gid: number;
}

/** The namespace to join. Its maps come beside it, since a plan cannot look them up. */
export function userNamespace({ linux = {} }: Spec): UserNamespace | undefined {
  const found = linux.namespaces?.find(({ type }) => type === "user");
  if (found === undefined) return undefined;
  if (found.path === undefined) throw new Error("a new user namespace is not supported");
  const root = (name: "uidMappings" | "gidMappings"): number => {
    const mapping = linux[name]?.find(({ containerID }) => containerID === 0);
    if (mapping === undefined) throw new Error(`linux.${name} does not map 0`);
    return mapping.hostID;
  };
  return { path: found.path, uid: root("uidMappings"), gid: root("gidMappings") };
}

/** The host's ids of a process's user. */
export function hostOwner(spec: Spec, { user = {} }: Pick<Process, "user">): StdioOwner {
  const { uid = 0, gid = 0 } = user;
  const root = userNamespace(spec);
  return root === undefined ? { uid, gid } : { uid: root.uid + uid, gid: root.gid + gid };
}

const namespaceFd: Argument = { result: "user namespace" };

/** While the host's paths are there. */
export const openUserNamespace = (spec: Spec): readonly Syscall[] => {
  const user = userNamespace(spec);
  return user === undefined
    ? []
    : [openStep(user.path, ["O_RDONLY", "O_CLOEXEC"], "user namespace", "its maps shift owners")];
};

/** MOUNT_ATTR_IDMAP: owners on the disk are seen as the namespace's maps say. */
const shiftOwners = (tree: Argument, isRecursive: boolean): Syscall => ({
  call: "mount_setattr",
  args: [
    tree,
    "",
    isRecursive ? ["AT_EMPTY_PATH", "AT_RECURSIVE"] : ["AT_EMPTY_PATH"],
    { words: [["MOUNT_ATTR_IDMAP"], 0, 0, namespaceFd] },
    32,
  ],
  because: "0 on the disk is the container's root, and only of this mount",
});

/**
 * Each layer is laid over itself, shifted, in the mount namespace of this container alone. The
 * upper layer is not: what is written there belongs to host ids, as its folder already does.
 */
export const shiftLayers = (spec: Spec, lower: readonly string[]): readonly Syscall[] =>
  userNamespace(spec) === undefined
    ? []
    : lower.flatMap((layer, index): readonly Syscall[] => {
        const tree = { result: `layer ${index}` };
        return [
          {
            call: "open_tree",
            args: [["AT_FDCWD"], layer, ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC"]],
            because: "only a mount without a place can be shifted",
            as: tree.result,
          },
          shiftOwners(tree, false),
          {
            call: "move_mount",
            args: [tree, "", ["AT_FDCWD"], layer, ["MOVE_MOUNT_F_EMPTY_PATH"]],
            because: "overlayfs takes its layers by path",
          },
        ];
      });

/** A volume whose owners are to be shifted; it must ask for the container's own maps. */
export function shiftVolume(
  spec: Spec,
  { destination, uidMappings = [], gidMappings = [], options = [] }: Mount,
  tree: Argument,
): readonly Syscall[] {
  if (uidMappings.length === 0 && gidMappings.length === 0) return [];
  const isSame =
    userNamespace(spec) !== undefined &&
    sameMaps(uidMappings, spec.linux?.uidMappings) &&
    sameMaps(gidMappings, spec.linux?.gidMappings);
  if (!isSame) throw new Error(`mount of ${destination} maps ids otherwise than its container`);
  return [shiftOwners(tree, options.includes("ridmap"))];
}

const sameMaps = (a: readonly IdMapping[], b: readonly IdMapping[] = []): boolean =>
  a.length === b.length &&
  a.every((one, index) => {
    const other = b[index];
    return (
      one.containerID === other?.containerID &&
      one.hostID === other.hostID &&
      one.size === other.size
    );
  });

/**
 * Steps as somebody whose files the container's root may own. The host's root has no id in there:
 * what it makes nobody owns, and on shifted mounts it can make nothing (EOVERFLOW).
 */
export function asContainerRoot(spec: Spec, steps: readonly Syscall[]): readonly Syscall[] {
  const user = userNamespace(spec);
  if (user === undefined || steps.length === 0) return steps;
  return [
    ...fileOwner(user.uid, user.gid, "files made now are the container's root's"),
    ...steps,
    ...fileOwner(0, 0, "the host's root again"),
  ];
}

/** The gid first: a user other than root may not change it. */
const fileOwner = (uid: number, gid: number, because: string): readonly Syscall[] => {
  const group: Syscall = { call: "setfsgid", args: [gid], because };
  const user: Syscall = { call: "setfsuid", args: [uid], because };
  return uid === 0 ? [user, group] : [group, user];
};

/** In a user namespace that was just entered: 0 is the container's root. */
export const becomeItsRoot: readonly Syscall[] = fileOwner(0, 0, "the way is walked as its root");

/** Into it: from here on there is no power over the host. */
export const enterUserNamespace = (spec: Spec): readonly Syscall[] =>
  userNamespace(spec) === undefined
    ? []
    : [
        {
          call: "setns",
          args: [namespaceFd, ["CLONE_NEWUSER"]],
          because: "from here on there is no power over the host",
        },
        {
          call: "unshare",
          args: [["CLONE_NEWNS"]],
          because: "a copy of the mounts that it owns; their flags are locked",
        },
        ...becomeItsRoot,
      ];
