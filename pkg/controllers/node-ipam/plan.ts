/** Which range of pod addresses a node gets. Pure. */
import { formatIpv4, parseIpv4Range, type Ipv4Range } from "../../base/ipv4.ts";

export interface NodeRanges {
  /** 10.244.0.0/16: of all nodes' pods. */
  readonly clusterCidr: string;
  /** 24: each node gets a /24. */
  readonly nodeMaskBits: number;
}

function clusterRange({ clusterCidr }: NodeRanges): Ipv4Range {
  const range = parseIpv4Range(clusterCidr);
  if (range === undefined) {
    throw new Error(`the cluster's pod range ${clusterCidr} is no IPv4 CIDR`);
  }
  return range;
}

/** Throws where the ranges cannot be. */
export function checkRanges(ranges: NodeRanges): void {
  const { clusterCidr, nodeMaskBits } = ranges;
  if (nodeMaskBits < clusterRange(ranges).prefixBits || nodeMaskBits > 30) {
    throw new Error(`a node's /${nodeMaskBits} is no part of ${clusterCidr}`);
  }
}

/** The first range that no node has; undefined when all are taken. */
export function nextNodeRange(ranges: NodeRanges, taken: ReadonlySet<string>): string | undefined {
  const { base, size } = clusterRange(ranges);
  const step = 2 ** (32 - ranges.nodeMaskBits);
  for (let at = base; at < base + size; at += step) {
    const range = `${formatIpv4(at)}/${ranges.nodeMaskBits}`;
    if (!taken.has(range)) return range;
  }
  return undefined;
}
