/** Cgroup files, of v1 and v2, in CRI's words. Pure. */
import type { MemoryUsage, NetworkInterfaceUsage } from "../../api/cri/v1.ts";

export interface CpuFacts {
  /** cpu.stat: v2's has usage_usec. */
  readonly stat: string | undefined;
  /** v1: cpuacct.usage. */
  readonly usage: string | undefined;
}

export interface MemoryFacts {
  readonly stat: string | undefined;
  /** memory.current or memory.usage_in_bytes. */
  readonly current: string | undefined;
  /** memory.max or memory.limit_in_bytes. */
  readonly limit: string | undefined;
}

/** "name value" lines. */
const fieldsOf = (text: string): ReadonlyMap<string, bigint> =>
  new Map(
    text.split("\n").flatMap((line) => {
      const [name = "", value = ""] = line.split(" ");
      return /^[0-9]+$/.test(value) ? [[name, BigInt(value)] as const] : [];
    }),
  );

/** Nanoseconds of CPU time used; undefined when the cgroup is gone. */
export function planCpuUsage({ stat, usage }: CpuFacts): bigint | undefined {
  if (usage !== undefined) return BigInt(usage.trim() || "0");
  const micros = stat === undefined ? undefined : fieldsOf(stat).get("usage_usec");
  return micros === undefined ? undefined : micros * 1000n;
}

/** v1 writes "no limit" as nearly 2^63. */
const unlimited = 1n << 60n;

/** The working set is what could not be given back at once: usage without inactive file pages. */
export function planMemoryUsage({ stat, current, limit }: MemoryFacts): MemoryUsage | undefined {
  if (current === undefined || stat === undefined) return undefined;
  const fields = fieldsOf(stat);
  const field = (...names: readonly string[]): bigint => {
    const name = names.find((each) => fields.has(each));
    return (name === undefined ? undefined : fields.get(name)) ?? 0n;
  };
  const usage = BigInt(current.trim() || "0");
  const inactive = field("total_inactive_file", "inactive_file");
  const workingSet = usage > inactive ? usage - inactive : 0n;
  const bound = limit === undefined || limit.trim() === "max" ? unlimited : BigInt(limit.trim());
  return {
    workingSetBytes: { value: workingSet },
    usageBytes: { value: usage },
    rssBytes: { value: field("total_rss", "anon") },
    pageFaults: { value: field("total_pgfault", "pgfault") },
    majorPageFaults: { value: field("total_pgmajfault", "pgmajfault") },
    ...(bound >= unlimited || bound < workingSet
      ? {}
      : { availableBytes: { value: bound - workingSet } }),
  };
}

/**
 * /proc/<pid>/net/dev: after the name, eight numbers of what came in and eight of what went out.
 */
export function parseNetworkDevices(text: string): readonly NetworkInterfaceUsage[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*([^:\s]+):\s*(.+)$/.exec(line);
    const numbers = (match?.[2] ?? "").trim().split(/\s+/);
    if (match === null || numbers.length < 16) return [];
    const value = (index: number) => ({ value: BigInt(numbers[index] ?? "0") });
    return [
      {
        name: match[1] ?? "",
        rxBytes: value(0),
        rxErrors: value(2),
        txBytes: value(8),
        txErrors: value(10),
      },
    ];
  });
}
