/** The mounts of a container's spec, in the order in which they are made. Pure. */
import { MountPropagation, type IDMapping, type Mount as CriMount } from "../../api/cri/v1.ts";
import type { Mount } from "../../api/oci/runtime.ts";
import { invalid } from "./cri-error.ts";
import type { SpecInput } from "./spec-input.ts";
import { podIds } from "./user-namespace-plan.ts";

export function planMounts(input: SpecInput): readonly Mount[] {
  const asked = (input.config.mounts ?? []).map((mount) => planCriMount(input, mount));
  const taken = new Set(asked.map(({ destination }) => destination));
  const own = [...kernelMounts(input), ...sandboxMounts(input)].filter(
    ({ destination }) => !taken.has(destination),
  );
  // A mount below another one must come after it, whatever the caller's order.
  const depth = ({ destination }: Mount): number => destination.split("/").filter(Boolean).length;
  const late = asked.toSorted((a, b) => depth(a) - depth(b));
  return [...own, ...late];
}

function kernelMounts({ config, sandbox }: SpecInput): readonly Mount[] {
  // The group of terminals, as the host knows it.
  const ids = podIds(sandbox.linux?.securityContext?.namespaceOptions ?? {});
  const ttyGroup = 5 + (ids?.gids.hostID ?? 0);
  const isPrivileged = config.linux?.securityContext?.privileged === true;
  const access = isPrivileged ? "rw" : "ro";
  const kernel = (type: string, destination: string, ...options: string[]): Mount => ({
    destination,
    type,
    source: type,
    options,
  });
  return [
    kernel("proc", "/proc", "nosuid", "noexec", "nodev"),
    kernel("tmpfs", "/dev", "nosuid", "strictatime", "mode=755", "size=65536k"),
    kernel(
      "devpts",
      "/dev/pts",
      "nosuid",
      "noexec",
      "newinstance",
      "ptmxmode=0666",
      "mode=0620",
      `gid=${ttyGroup}`,
    ),
    kernel("mqueue", "/dev/mqueue", "nosuid", "noexec", "nodev"),
    kernel("sysfs", "/sys", "nosuid", "noexec", "nodev", access),
    kernel("cgroup", "/sys/fs/cgroup", "nosuid", "noexec", "nodev", "relatime", access),
  ];
}

/** What all containers of a pod see alike. */
function sandboxMounts({ config, paths }: SpecInput): readonly Mount[] {
  const isReadonly = config.linux?.securityContext?.readonlyRootfs === true;
  const options = ["rbind", "rprivate", isReadonly ? "ro" : "rw"];
  const bind = (source: string, destination: string): Mount => ({
    destination,
    type: "bind",
    source,
    options,
  });
  return [
    bind(paths.hostname, "/etc/hostname"),
    bind(paths.hosts, "/etc/hosts"),
    bind(paths.resolvConf, "/etc/resolv.conf"),
    { ...bind(paths.shm, "/dev/shm"), options: ["rbind", "rprivate", "rw"] },
  ];
}

const propagations = {
  [MountPropagation.PROPAGATION_PRIVATE]: "rprivate",
  [MountPropagation.PROPAGATION_HOST_TO_CONTAINER]: "rslave",
  [MountPropagation.PROPAGATION_BIDIRECTIONAL]: "rshared",
} as const;

function planCriMount(input: SpecInput, mount: CriMount): Mount {
  const destination = normalPath(mount.containerPath ?? "");
  if (mount.image?.image) return planImageMount(input, destination);
  if (!mount.hostPath) throw invalid(`mount of ${destination} has no host path`);
  const isRecursive = mount.recursiveReadOnly === true;
  if (isRecursive && mount.readonly !== true) {
    throw invalid(`mount of ${destination}: recursive read-only needs read-only`);
  }
  const propagation = mount.propagation ?? MountPropagation.PROPAGATION_PRIVATE;
  if (isRecursive && propagation !== MountPropagation.PROPAGATION_PRIVATE) {
    throw invalid(`mount of ${destination}: recursive read-only needs private propagation`);
  }
  const access = isRecursive ? "rro" : mount.readonly === true ? "ro" : "rw";
  const extra = mount.mountOptions ?? [];
  return {
    destination,
    type: "bind",
    source: mount.hostPath,
    options: ["rbind", propagations[propagation], access, ...extra],
    ...idMappings(mount),
  };
}

/** The kubelet asks for a shift of owners where a volume's file system can do it. */
function idMappings({ uidMappings = [], gidMappings = [] }: CriMount) {
  if (uidMappings.length === 0 && gidMappings.length === 0) return {};
  const oci = ({ containerId = 0, hostId = 0, length = 0 }: IDMapping) => ({
    containerID: containerId,
    hostID: hostId,
    size: length,
  });
  return { uidMappings: uidMappings.map(oci), gidMappings: gidMappings.map(oci) };
}

/** An image as a volume: read-only, whatever is asked. */
function planImageMount({ imageMounts }: SpecInput, destination: string): Mount {
  const source = imageMounts[destination];
  if (source === undefined) throw invalid(`the image of mount ${destination} was not prepared`);
  const options = ["rbind", "rprivate", "ro", "nosuid", "nodev"];
  return { destination, type: "bind", source, options };
}

export function normalPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..")) throw invalid(`bad mount path "${path}"`);
  return `/${parts.join("/")}`;
}
