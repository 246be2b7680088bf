/**
 * A container as CRI describes it becomes an OCI spec. Pure: the same container on the same image
 * and host gives the same spec, which golden files hold.
 */
import { NamespaceMode, type PodSandboxConfig } from "../../api/cri/v1.ts";
import { ociRuntimeVersion, type Linux, type Namespace, type Spec } from "../../api/oci/runtime.ts";
import type { SpecInput } from "./spec-input.ts";
import { planMounts } from "./spec-mounts-plan.ts";
import { planProcess } from "./spec-process-plan.ts";
import { planDevices, planResources } from "./spec-resources-plan.ts";
import { podIds } from "./user-namespace-plan.ts";

/** What of /proc and /sys tells of, or acts on, the host. The set that all runtimes hide. */
export const defaultMaskedPaths: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];

export const defaultReadonlyPaths: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** Where containers of pods without a parent of their own are put. */
const defaultCgroupParent = "/tskube";

/** Absolute, without a slash at its end. */
export function cgroupParentOf({ linux }: PodSandboxConfig): string {
  const parent = (linux?.cgroupParent || defaultCgroupParent).replace(/\/+$/, "");
  return parent.startsWith("/") ? parent : `/${parent}`;
}

export function planSpec(input: SpecInput): Spec {
  const { config, sandbox, id } = input;
  const security = config.linux?.securityContext ?? {};
  const isPrivileged = security.privileged === true;
  return {
    ociVersion: ociRuntimeVersion,
    process: planProcess(input),
    // The root itself is the overlay that goes with the spec.
    root: { path: "rootfs", readonly: security.readonlyRootfs ?? false },
    mounts: planMounts(input),
    annotations: planAnnotations(input),
    linux: {
      namespaces: planNamespaces(input),
      ...planIds(input),
      cgroupsPath: `${cgroupParentOf(sandbox)}/${id}`,
      resources: planResources(input),
      devices: planDevices(input),
      ...(isPrivileged ? {} : planHiding(input)),
      ...(input.seccomp === undefined ? {} : { seccomp: input.seccomp }),
      rootfsPropagation: planPropagation(input),
    },
  };
}

/** What the pod's user namespace maps, beside the namespace to join. */
function planIds({ sandbox }: SpecInput): Pick<Linux, "uidMappings" | "gidMappings"> {
  const ids = podIds(sandbox.linux?.securityContext?.namespaceOptions ?? {});
  return ids === undefined ? {} : { uidMappings: [ids.uids], gidMappings: [ids.gids] };
}

/** CRI cannot tell an empty list from none: both mean the defaults. */
function planHiding({
  config,
}: SpecInput): Pick<NonNullable<Spec["linux"]>, "maskedPaths" | "readonlyPaths"> {
  const { maskedPaths = [], readonlyPaths = [] } = config.linux?.securityContext ?? {};
  return {
    maskedPaths: maskedPaths.length > 0 ? maskedPaths : defaultMaskedPaths,
    readonlyPaths: readonlyPaths.length > 0 ? readonlyPaths : defaultReadonlyPaths,
  };
}

/** A bidirectional mount works only in a root that is not cut off. */
function planPropagation({ config }: SpecInput): "private" | "slave" | "shared" {
  const modes = new Set((config.mounts ?? []).map(({ propagation = 0 }) => propagation));
  return modes.has(2) ? "shared" : modes.has(1) ? "slave" : "private";
}

function planNamespaces({ config, paths, host }: SpecInput): readonly Namespace[] {
  const security = config.linux?.securityContext ?? {};
  const isPrivileged = security.privileged === true;
  const join = (type: Namespace["type"], path: string | undefined): readonly Namespace[] =>
    path === undefined ? [] : [{ type, path }];
  const isHostPid = security.namespaceOptions?.pid === NamespaceMode.NODE;
  return [
    { type: "mount" },
    ...(isHostPid
      ? []
      : [
          paths.pid === undefined
            ? ({ type: "pid" } as const)
            : ({ type: "pid", path: paths.pid } as const),
        ]),
    ...join("network", paths.network),
    ...join("ipc", paths.ipc),
    ...join("uts", paths.uts),
    ...join("user", paths.user),
    // On v1 images expect the host's view; a privileged container manages the host's cgroups.
    ...(host.cgroup === "v2" && !isPrivileged ? [{ type: "cgroup" } as const] : []),
  ];
}

/** The names under which containerd tells tools of the pod. */
const planAnnotations = ({
  config,
  sandbox,
  sandboxId,
}: SpecInput): Readonly<Record<string, string>> => ({
  "io.kubernetes.cri.container-type": "container",
  "io.kubernetes.cri.container-name": config.metadata?.name ?? "",
  "io.kubernetes.cri.image-name": config.image?.userSpecifiedImage || (config.image?.image ?? ""),
  "io.kubernetes.cri.sandbox-id": sandboxId,
  "io.kubernetes.cri.sandbox-name": sandbox.metadata?.name ?? "",
  "io.kubernetes.cri.sandbox-namespace": sandbox.metadata?.namespace ?? "",
  "io.kubernetes.cri.sandbox-uid": sandbox.metadata?.uid ?? "",
  ...config.annotations,
});
