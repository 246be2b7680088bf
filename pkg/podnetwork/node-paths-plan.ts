/**
 * How the pods of each other node are reached: straight over a link that both nodes are on, or in
 * a tunnel through whatever lies between. Pure.
 */
import { formatIpv4, parseIpv4, parseIpv4Range, type Ipv4Range } from "../base/ipv4.ts";
import type { LinkAddress } from "../linux/rtnetlink-address.ts";
import type { Cidr } from "./plan.ts";

export interface NodePlace {
  readonly name: string;
  /** 10.244.1.0/24; absent: not given yet. */
  readonly podCidr?: string;
  /** Of the node itself, IPv4; absent: not told yet. */
  readonly address?: string;
}

/** The pods of a node, and the node's own address. */
export interface NodePath {
  readonly pods: Cidr;
  readonly address: string;
}

export interface NodePaths {
  readonly own: NodePath;
  /** Index of the link that has the own address; absent: none has it, it is translated later. */
  readonly link?: number;
  readonly direct: readonly NodePath[];
  readonly tunnelled: readonly NodePath[];
}

/** Only of what is IPv4: no other range or address leads anywhere here. */
function pathOf({ podCidr = "", address = "" }: NodePlace): NodePath | undefined {
  const range = parseIpv4Range(podCidr);
  if (range === undefined || parseIpv4(address) === undefined) return undefined;
  const pods = { address: formatIpv4(range.base), prefixBits: range.prefixBits };
  return { pods, address };
}

const holds = ({ base, size }: Ipv4Range, address: string): boolean => {
  const offset = (parseIpv4(address) ?? -1) - base;
  return offset >= 0 && offset < size;
};

/**
 * Undefined until this node has a range and an address. Only the link of the own address counts,
 * not every link: the others know us by that address alone, and both ends must decide alike, or
 * one would tunnel to an end that has no tunnel.
 */
export function planNodePaths(
  nodes: readonly NodePlace[],
  ownName: string,
  addresses: readonly LinkAddress[],
): NodePaths | undefined {
  const self = nodes.find(({ name }) => name === ownName);
  const own = self === undefined ? undefined : pathOf(self);
  if (own === undefined) return undefined;
  const link = addresses.find(({ address }) => address === own.address)?.index;
  const subnets = addresses
    .filter(({ index }) => index === link)
    .flatMap(({ address, prefixBits }) => parseIpv4Range(`${address}/${prefixBits}`) ?? []);
  // A range that two nodes claim is the first one's, so that every round decides alike. A node at
  // our own address is an old name of this machine.
  const others = new Map<string, NodePath>();
  for (const place of nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = place.name === ownName ? undefined : pathOf(place);
    if (path === undefined || path.address === own.address) continue;
    if (path.pods.address !== own.pods.address && !others.has(path.pods.address))
      others.set(path.pods.address, path);
  }
  const isDirect = ({ address }: NodePath): boolean =>
    subnets.some((subnet) => holds(subnet, address));
  const paths = [...others.values()];
  return {
    own,
    ...(link === undefined ? {} : { link }),
    direct: paths.filter(isDirect),
    tunnelled: paths.filter((path) => !isDirect(path)),
  };
}
