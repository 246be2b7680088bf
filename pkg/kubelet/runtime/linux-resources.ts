import type { Container, Pod, ResourceRequirements } from "../../../api/core/v1.ts";
import type { LinuxContainerResources } from "../../../api/cri/v1.ts";
import { unitsOf, millisOf, requestsOf } from "./amounts.ts";
import { oomScoreAdjOf } from "./qos.ts";

/** The kernel's period for CPU quotas. */
const cpuPeriodUs = 100_000;
/** The kernel refuses less. */
const cpuQuotaUsMin = 1000;
const cpuSharesMin = 2;
const cpuSharesMax = 262_144;

/** One CPU is 1024 shares. */
const sharesOf = (millis: number): number =>
  Math.min(cpuSharesMax, Math.max(cpuSharesMin, Math.floor((millis * 1024) / 1000)));

const quotaOf = (millis: number): number =>
  Math.max(cpuQuotaUsMin, Math.floor((millis * cpuPeriodUs) / 1000));

/** Shares of a CPU, microseconds, bytes; absent fields are not limited. */
export interface Limits {
  readonly cpuShares: bigint;
  readonly cpuPeriod: bigint;
  readonly cpuQuota?: bigint;
  readonly memoryLimitInBytes?: bigint;
}

function limits(resources: ResourceRequirements | undefined): Limits {
  const cpu = millisOf(resources?.limits, "cpu");
  const memory = unitsOf(resources?.limits, "memory");
  return {
    cpuShares: BigInt(sharesOf(millisOf(requestsOf(resources), "cpu") ?? 0)),
    cpuPeriod: BigInt(cpuPeriodUs),
    ...(cpu === undefined ? {} : { cpuQuota: BigInt(quotaOf(cpu)) }),
    ...(memory === undefined ? {} : { memoryLimitInBytes: BigInt(memory) }),
  };
}

/** What one container may use. */
export const containerResources = (
  pod: Pod,
  container: Container,
  machineMemoryBytes: number,
): LinuxContainerResources => ({
  ...limits(container.resources),
  oomScoreAdj: BigInt(oomScoreAdjOf(pod, container, machineMemoryBytes)),
});

/** Undefined when one of them has none: then there is no common limit either. */
const sum = (amounts: readonly (number | undefined)[]): number | undefined =>
  amounts.reduce<number | undefined>(
    (total, amount) => (total === undefined || amount === undefined ? undefined : total + amount),
    0,
  );

/** What all of a pod may use together: the limits of its cgroup. */
export function podResources(pod: Pod): Limits {
  const requested = pod.spec.containers.reduce(
    (sum, { resources }) => sum + (millisOf(requestsOf(resources), "cpu") ?? 0),
    0,
  );
  const cpu = sum(pod.spec.containers.map((one) => millisOf(one.resources?.limits, "cpu")));
  const memory = sum(pod.spec.containers.map((one) => unitsOf(one.resources?.limits, "memory")));
  return {
    cpuShares: BigInt(sharesOf(requested)),
    cpuPeriod: BigInt(cpuPeriodUs),
    ...(cpu === undefined ? {} : { cpuQuota: BigInt(quotaOf(cpu)) }),
    ...(memory === undefined ? {} : { memoryLimitInBytes: BigInt(memory) }),
  };
}
