/**
 * The VXLAN device of a node and what it must know of the others: all of it follows from their
 * ranges of pod addresses and their own addresses, so that nothing is exchanged. Pure.
 *
 * A node's end of the tunnel has the first address of its range, which no pod has, and a hardware
 * address made of it. Towards another node there are a route (its range over its end), a neighbour
 * (its end's hardware address) and a forwarding entry (behind which machine that is): an address
 * that nobody told us of is never asked for, and nothing is learnt from what comes in.
 */
import type { Link, Vxlan } from "../linux/rtnetlink-link.ts";
import type { Neighbour } from "../linux/rtnetlink-neighbour.ts";
import type { NodePath, NodePaths } from "./node-paths-plan.ts";
import { hardwareAddress, mtuOf, type Underlay } from "./plan.ts";

export const tunnelName = "tskube-vxlan";
/** The number that Linux gave the protocol first; flannel and Cilium use it for pods, too. */
export const tunnelPort = 8472;
/** Not flannel's 1: what a removed cluster left on a machine must not be in the way. */
export const tunnelId = 84;
/** Outer IPv4, UDP and VXLAN headers, and the inner Ethernet header (RFC 7348). */
const overheadBytes = 50;
/** IPv4 and TCP headers without options. */
const tcpHeadersBytes = 40;

/** The device as it should be. */
export interface Tunnel {
  /** Of this node's end. */
  readonly ip: string;
  readonly address: Uint8Array;
  readonly mtu: number;
  readonly vxlan: Vxlan;
}

/**
 * Undefined where every other node shares a link with this one. `underlay` is the link of the
 * node's own address, if there is one.
 */
export function planTunnel(paths: NodePaths, underlay: Underlay | undefined): Tunnel | undefined {
  if (paths.tunnelled.length === 0) return undefined;
  const { own, link } = paths;
  const source = link === undefined ? {} : { local: own.address };
  return {
    ip: own.pods.address,
    address: hardwareAddress(own.pods.address),
    mtu: mtuOf(underlay) - overheadBytes,
    vxlan: { id: tunnelId, port: tunnelPort, ...source },
  };
}

/** The other end of the tunnel to a node: its hardware address by its address inside. */
export const neighbourOf = ({ pods }: NodePath, index: number): Neighbour => ({
  index,
  ip: pods.address,
  hardwareAddress: hardwareAddress(pods.address),
});

/** The machine that this hardware address is behind. */
export const forwardingOf = ({ pods, address }: NodePath, index: number): Neighbour => ({
  index,
  ip: address,
  hardwareAddress: hardwareAddress(pods.address),
});

export const neighbourKey = ({ ip, hardwareAddress: address }: Neighbour): string =>
  `${ip} ${address.join(":")}`;

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

/** What cannot be changed on a device that is there; the rest can. */
export const isThisTunnel = ({ address, vxlan }: Link, wanted: Tunnel): boolean =>
  sameBytes(address, wanted.address) &&
  vxlan?.id === wanted.vxlan.id &&
  vxlan.port === wanted.vxlan.port &&
  vxlan.local === wanted.vxlan.local;

export const tunnelTable = `ip ${tunnelName}`;

export const withoutTunnelTable: readonly string[] = [
  `add table ${tunnelTable}`,
  `delete table ${tunnelTable}`,
];

/**
 * The tunnel's own table.
 *
 * VXLAN knows no keys: who may send to the port may send as any pod. So the port is open to the
 * addresses of nodes alone, and closed to pods, whose packets leave a node with its address.
 *
 * What is in a datagram is a connection that is known already, so the datagram is none: it takes no
 * second place among the connections, and nobody's rule gives it another source.
 *
 * Pods' links carry more than the tunnel does. A TCP connection is told so while it is opened, in
 * both directions; other senders learn it from this node, which is near: so no part of it depends
 * on ICMP from afar.
 */
export function planTunnelTable(
  { mtu }: Tunnel,
  { direct, tunnelled }: NodePaths,
  bridge: string,
): readonly string[] {
  const addresses = [...new Set([...direct, ...tunnelled].map(({ address }) => address))];
  const port = `udp dport ${tunnelPort}`;
  const opens = "tcp flags & (syn | rst) == syn";
  const clamp = `tcp option maxseg size set ${mtu - tcpHeadersBytes}`;
  return [
    ...withoutTunnelTable,
    `add table ${tunnelTable} { comment "tskube: pods of nodes on other links"; }`,
    `add set ${tunnelTable} nodes { type ipv4_addr; elements = { ${addresses.join(", ")} }; }`,
    `add chain ${tunnelTable} input { type filter hook input priority filter; }`,
    `add rule ${tunnelTable} input ${port} ip saddr != @nodes counter drop`,
    `add rule ${tunnelTable} input ${port} iifname "${bridge}" counter drop`,
    `add chain ${tunnelTable} receive { type filter hook prerouting priority raw; }`,
    `add rule ${tunnelTable} receive ip saddr @nodes ${port} notrack`,
    `add chain ${tunnelTable} send { type filter hook output priority raw; }`,
    `add rule ${tunnelTable} send ip daddr @nodes ${port} notrack`,
    `add chain ${tunnelTable} forward { type filter hook forward priority mangle; }`,
    `add rule ${tunnelTable} forward iifname "${bridge}" ip daddr @nodes ${port} counter drop`,
    ...["iifname", "oifname"].map(
      (side) => `add rule ${tunnelTable} forward ${side} "${tunnelName}" ${opens} ${clamp}`,
    ),
  ];
}
