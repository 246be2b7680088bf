/** Which range of pod addresses a node gets. Pure. */

export interface NodeRanges {
  /** 10.244.0.0/16: of all nodes' pods. */
  readonly clusterCidr: string;
  /** 24: each node gets a /24. */
  readonly nodeMaskBits: number;
}

const numberOf = (address: string): number =>
  address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
const addressOf = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");

/** Throws where the ranges cannot be. */
export function checkRanges({ clusterCidr, nodeMaskBits }: NodeRanges): void {
  const [address = "", bits = ""] = clusterCidr.split("/");
  const isAddress = /^(\d{1,3}\.){3}\d{1,3}$/.test(address) && numberOf(address) < 2 ** 32;
  if (!isAddress || !/^\d+$/.test(bits) || Number(bits) > 32) {
    throw new Error(`the cluster's pod range ${clusterCidr} is no IPv4 CIDR`);
  }
  if (nodeMaskBits < Number(bits) || nodeMaskBits > 30) {
    throw new Error(`a node's /${nodeMaskBits} is no part of ${clusterCidr}`);
  }
}

/** The first range that no node has; undefined when all are taken. */
export function nextNodeRange(
  { clusterCidr, nodeMaskBits }: NodeRanges,
  taken: ReadonlySet<string>,
): string | undefined {
  const [base = "", bits = ""] = clusterCidr.split("/");
  const size = 2 ** (32 - Number(bits));
  const step = 2 ** (32 - nodeMaskBits);
  const first = Math.floor(numberOf(base) / size) * size;
  for (let at = first; at < first + size; at += step) {
    const range = `${addressOf(at)}/${nodeMaskBits}`;
    if (!taken.has(range)) return range;
  }
  return undefined;
}
