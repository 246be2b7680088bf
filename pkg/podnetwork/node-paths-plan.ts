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
  /** Its links, though common, carry no pods' addresses: many clouds check what machines send. */
  readonly tunnels?: boolean;
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

interface Candidate extends NodePath {
  readonly tunnels: boolean;
}

/** Only of what is IPv4: no other range or address leads anywhere here. */
function candidateOf(place: NodePlace | undefined): Candidate | undefined {
  const { podCidr = "", address = "", tunnels = false } = place ?? {};
  const range = parseIpv4Range(podCidr);
  if (range === undefined || parseIpv4(address) === undefined) return undefined;
  const pods = { address: formatIpv4(range.base), prefixBits: range.prefixBits };
  return { pods, address, tunnels };
}

const holds = ({ base, size }: Ipv4Range, address: string): boolean => {
  const offset = (parseIpv4(address) ?? -1) - base;
  return offset >= 0 && offset < size;
};

/**
 * A range that two nodes claim is the first one's, so that every round decides alike; one that a
 * link here has addresses of, as the pods' bridge has, leads nowhere else, whatever the cluster
 * says: what runs here would be cut off. A node at our own address is an old name of this machine.
 */
function othersOf(
  nodes: readonly NodePlace[],
  own: Candidate,
  addresses: readonly LinkAddress[],
): readonly Candidate[] {
  const isHere = ({ pods }: Candidate): boolean => {
    const range = parseIpv4Range(`${pods.address}/${pods.prefixBits}`);
    return range !== undefined && addresses.some(({ address }) => holds(range, address));
  };
  const others = new Map<string, Candidate>();
  for (const place of nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const one = candidateOf(place);
    if (one === undefined || one.address === own.address || isHere(one)) continue;
    const range = one.pods.address;
    if (range !== own.pods.address && !others.has(range)) others.set(range, one);
  }
  return [...others.values()];
}

const withoutWish = ({ pods, address }: Candidate): NodePath => ({ pods, address });

/**
 * Undefined until this node has a range and an address. Only the link of the own address counts,
 * not every link: the others know us by that address alone, and both ends must decide alike, or
 * one would tunnel to an end that has no tunnel. For the same reason either end's wish is enough.
 */
export function planNodePaths(
  nodes: readonly NodePlace[],
  ownName: string,
  addresses: readonly LinkAddress[],
): NodePaths | undefined {
  const own = candidateOf(nodes.find(({ name }) => name === ownName));
  if (own === undefined) return undefined;
  const link = addresses.find(({ address }) => address === own.address)?.index;
  const subnets = addresses
    .filter(({ index }) => index === link)
    .flatMap(({ address, prefixBits }) => parseIpv4Range(`${address}/${prefixBits}`) ?? []);
  const isDirect = ({ address, tunnels }: Candidate): boolean =>
    !own.tunnels && !tunnels && subnets.some((subnet) => holds(subnet, address));
  const others = othersOf(nodes, own, addresses);
  return {
    own: withoutWish(own),
    ...(link === undefined ? {} : { link }),
    direct: others.filter(isDirect).map(withoutWish),
    tunnelled: others.filter((one) => !isDirect(one)).map(withoutWish),
  };
}
