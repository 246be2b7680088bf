/**
 * Capability names in the order of their bits (include/uapi/linux/capability.h), CAP_CHOWN is 0.
 */
export const capabilityNames = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
] as const;

export type CapabilityName = (typeof capabilityNames)[number];

/** What a container gets unless told otherwise; the set every runtime agrees on. */
export const defaultCapabilities: readonly CapabilityName[] = [
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SYS_CHROOT",
  "CAP_MKNOD",
  "CAP_AUDIT_WRITE",
  "CAP_SETFCAP",
];

/** Bit of "CAP_KILL"; undefined for a name that the kernel does not have. */
export function capabilityBit(name: string): number | undefined {
  const bit = (capabilityNames as readonly string[]).indexOf(name);
  return bit < 0 ? undefined : bit;
}

/** The set as the kernel's 64-bit mask. Unknown names are ignored, as runc does, by the caller. */
export const capabilityMask = (names: Iterable<string>): bigint => {
  let mask = 0n;
  for (const name of names) {
    const bit = capabilityBit(name);
    if (bit !== undefined) mask |= 1n << BigInt(bit);
  }
  return mask;
};

export const capabilitiesOf = (mask: bigint): readonly CapabilityName[] =>
  capabilityNames.filter((_, bit) => (mask & (1n << BigInt(bit))) !== 0n);

/** The mask in a line of /proc/<pid>/status, such as CapPrm. */
export function parseCapabilities(status: string, field: "CapPrm" | "CapBnd" | "CapEff"): bigint {
  const hex = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1];
  if (hex === undefined) throw new Error(`no ${field} in a process's status`);
  return BigInt(`0x${hex}`);
}
