import type { Pod } from "../../../api/core/v1.ts";
import { podResources } from "./linux-resources.ts";
import type { NodeSettings } from "./node-settings.ts";
import { cgroupParentOf, cgroupParents } from "./qos.ts";
import { uidOf } from "../pods/pod-spec.ts";

/** What a cgroup is limited to; absent fields are not limited. */
export interface CgroupLimits {
  readonly cpuShares: number;
  readonly cpuQuotaUs?: number;
  readonly cpuPeriodUs: number;
  readonly memoryBytes?: number;
  readonly pids?: number;
}

/** The door to pods' own cgroups, in which their containers' are. Paths: /kubepods/pod<uid>. */
export interface PodCgroups {
  /** Makes the cgroup, and those above it; sets its limits again when it is there. */
  create(path: string, limits: CgroupLimits): Promise<void>;
  /** Ends what is left in it and removes it; does nothing when there is none. */
  remove(path: string): Promise<void>;
}

/** For simulated nodes and tests. */
export const noCgroups: PodCgroups = {
  create: () => Promise.resolve(),
  remove: () => Promise.resolve(),
};

/** What all of a pod may use together. */
export async function createPodCgroup(
  pod: Pod,
  settings: NodeSettings,
  cgroups: PodCgroups,
): Promise<void> {
  const { cpuShares, cpuPeriod, cpuQuota, memoryLimitInBytes } = podResources(pod);
  await cgroups.create(cgroupParentOf(pod, settings.cgroupRoot), {
    cpuShares: Number(cpuShares),
    cpuPeriodUs: Number(cpuPeriod),
    ...(cpuQuota === undefined ? {} : { cpuQuotaUs: Number(cpuQuota) }),
    ...(memoryLimitInBytes === undefined ? {} : { memoryBytes: Number(memoryLimitInBytes) }),
    ...(settings.podPidsMax === undefined ? {} : { pids: settings.podPidsMax }),
  });
}

/** Of a pod that has gone only its uid may be known, not the class it was in. */
export async function removePodCgroup(
  pod: Pod,
  settings: NodeSettings,
  cgroups: PodCgroups,
): Promise<void> {
  for (const parent of cgroupParents)
    await cgroups.remove(`${settings.cgroupRoot}${parent}/pod${uidOf(pod)}`);
}
