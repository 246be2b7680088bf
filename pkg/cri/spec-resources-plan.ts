/** Limits and devices of a container's spec. Pure. */
import type { LinuxContainerResources } from "../../api/cri/v1.ts";
import type { Device, DeviceRule, Resources } from "../../api/oci/runtime.ts";
import type { HostDevice, SpecInput } from "./spec-input.ts";

/** What every container may use: runtimes make these nodes in each /dev. */
const defaultDevices: readonly DeviceRule[] = [
  { allow: false, access: "rwm" },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  ...(
    [
      [1, 3], // null
      [1, 5], // zero
      [1, 7], // full
      [1, 8], // random
      [1, 9], // urandom
      [5, 0], // tty
      [5, 1], // console
      [5, 2], // ptmx
    ] as const
  ).map(([major, minor]) => ({ allow: true, type: "c", major, minor, access: "rwm" })),
  { allow: true, type: "c", major: 136, access: "rwm" }, // pts/*
];

export function planResources({ config, devices }: SpecInput): Resources {
  const isPrivileged = config.linux?.securityContext?.privileged === true;
  return {
    ...planLimits(config.linux?.resources ?? {}),
    devices: isPrivileged
      ? [{ allow: true, access: "rwm" }]
      : [...defaultDevices, ...devices.map(deviceRule)],
  };
}

/** CRI writes "not set" as zero. */
const set = (value: bigint | undefined): number | undefined =>
  value === undefined || value === 0n ? undefined : Number(value);

/** Also what UpdateContainerResources changes: only what is set is in it. */
export function planLimits(resources: LinuxContainerResources): Omit<Resources, "devices"> {
  const cpu = compact({
    shares: set(resources.cpuShares),
    quota: set(resources.cpuQuota),
    period: set(resources.cpuPeriod),
    cpus: resources.cpusetCpus || undefined,
    mems: resources.cpusetMems || undefined,
  });
  const limit = set(resources.memoryLimitInBytes);
  const memory = compact({
    limit,
    // Without a limit of its own, swap would double the memory on v1.
    swap: set(resources.memorySwapLimitInBytes) ?? limit,
  });
  const pages = (resources.hugepageLimits ?? []).map(({ pageSize = "", limit: bytes = 0n }) => ({
    pageSize,
    limit: Number(bytes),
  }));
  const unified = resources.unified ?? {};
  return {
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(pages.length === 0 ? {} : { hugepageLimits: pages }),
    ...(Object.keys(unified).length === 0 ? {} : { unified }),
  };
}

type Compact<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

const compact = <T extends object>(value: T): Compact<T> =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Compact<T>;

const deviceRule = ({ type, major, minor, access }: HostDevice): DeviceRule => ({
  allow: true,
  type,
  major,
  minor,
  access,
});

export const planDevices = ({ devices }: SpecInput): readonly Device[] =>
  devices.map(({ path, type, major, minor, fileMode, uid, gid }) => ({
    path,
    type,
    major,
    minor,
    fileMode,
    uid,
    gid,
  }));
