/**
 * What the built-in network asks of the kernel for its bridge and for one pod. Pure.
 *
 * A pod's address is a /32 and its only neighbour is the bridge's own address: so packets between
 * pods of one node pass the host's routing too, where answers of a Service find their connection.
 * (With a common subnet they would take the short way over the bridge, past the packet filter.)
 */
import { ipv4 } from "../linux/netlink-message.ts";
import type { Link } from "../linux/rtnetlink-link.ts";
import type { LinkRequest } from "../linux/rtnetlink.ts";
import type { HostPort } from "./pod-network.ts";

export interface BridgeConfig {
  /** At most 15 characters. */
  readonly bridge: string;
  /** Addresses of this node's pods: 10.244.0.0/24. */
  readonly podCidr: string;
  /** Addresses of Services, routed to the bridge so that the host reaches them by itself. */
  readonly serviceCidr: string;
  readonly mtu: number;
  /** Addresses of all nodes' pods: what goes there keeps the pod's own address. Absent: podCidr. */
  readonly clusterCidr?: string;
}

export interface Cidr {
  readonly address: string;
  readonly prefixBits: number;
}

export function parseCidr(text: string): Cidr {
  const [address = "", bits = ""] = text.split("/");
  ipv4(address);
  const prefixBits = Number(bits);
  if (bits === "" || !(prefixBits >= 0 && prefixBits <= 32))
    throw new Error(`not a CIDR: "${text}"`);
  return { address, prefixBits };
}

const toNumber = (address: string): number =>
  ipv4(address).reduce((sum, byte) => sum * 256 + byte, 0);
const toAddress = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");

/** The bridge's own address: the first of the range, and the pods' gateway. */
export function gatewayOf({ address, prefixBits }: Cidr): string {
  const size = 2 ** (32 - prefixBits);
  return toAddress(Math.floor(toNumber(address) / size) * size + 1);
}

/**
 * The next free address after `last`, round and round, so that a freed one rests as long as it can.
 * Undefined when all are taken. Network, gateway and broadcast addresses are never given out.
 */
export function nextAddress(
  cidr: Cidr,
  taken: ReadonlySet<string>,
  last?: string,
): string | undefined {
  const size = 2 ** (32 - cidr.prefixBits);
  const first = Math.floor(toNumber(cidr.address) / size) * size + 2;
  const count = size - 3;
  const start = last === undefined ? 0 : toNumber(last) - first + 1;
  for (let step = 0; step < count; step++) {
    const address = toAddress(first + ((start + step) % count));
    if (!taken.has(address)) return address;
  }
  return undefined;
}

/**
 * Locally administered, and made of the address: an address that comes back with another pod keeps
 * its hardware address, so that no neighbour table is out of date.
 */
export const hardwareAddress = (ip: string): Uint8Array => Uint8Array.of(0x0a, 0x58, ...ipv4(ip));

/** The link that has the node's own address. */
export type Underlay = Pick<Link, "mtu" | "isLoopback">;

/** Ethernet's. */
const usualMtu = 1_500;

/**
 * Pods send what the node can send on in one piece. A node whose address is on loopback, or on no
 * link of its own, does not say which link that is.
 */
export const mtuOf = (underlay: Underlay | undefined): number =>
  underlay?.isLoopback === false ? underlay.mtu : usualMtu;

/** Name of the host's end of a pod's link: 15 characters at most (IFNAMSIZ). */
export const hostLinkName = (sandboxId: string): string => `veth${sandboxId.slice(0, 11)}`;

/**
 * What the pod's namespace needs once its eth0 is there; `loopback` and `eth0` are link indexes.
 * `pathMtu` is what the narrowest way to other pods carries in one piece, where it is less than
 * the link does: known from the start, no datagram is lost to find it out.
 */
export function planPodSide(
  ip: string,
  gateway: string,
  links: { readonly loopback: number; readonly eth0: number; readonly pathMtu?: number },
): readonly LinkRequest[] {
  const mtu = links.pathMtu === undefined ? {} : { mtu: links.pathMtu };
  return [
    { do: "set-link", index: links.loopback, up: true },
    { do: "add-address", index: links.eth0, address: ip, prefixBits: 32 },
    { do: "set-link", index: links.eth0, up: true },
    {
      do: "add-route",
      index: links.eth0,
      destination: { address: gateway, prefixBits: 32 },
      scope: "link",
    },
    { do: "add-route", index: links.eth0, gateway, scope: "universe", ...mtu },
  ];
}

/** What the bridge needs once it is there. Every request may be repeated. */
export function planBridge(config: BridgeConfig, index: number): readonly LinkRequest[] {
  const pods = parseCidr(config.podCidr);
  const gateway = gatewayOf(pods);
  return [
    { do: "add-address", index, address: gateway, prefixBits: pods.prefixBits },
    { do: "set-link", index, up: true },
    { do: "add-route", index, destination: parseCidr(config.serviceCidr), scope: "link" },
  ];
}

/** Kernel switches, below /proc/sys/net/ipv4: without forwarding no packet leaves a pod's link. */
export const planSysctls = (
  bridge: string,
): readonly (readonly [name: string, value: string])[] => [
  ["ip_forward", "1"],
  // Pods reach each other through us on purpose; we must not advise them to take a shorter way.
  [`conf/all/send_redirects`, "0"],
  [`conf/${bridge}/send_redirects`, "0"],
];

/**
 * Lets packets of the node's own 127.0.0.1 out to pods and their answers back, for host ports. To
 * be set behind the table, which keeps pods away from the node's loopback (CVE-2020-8558).
 */
export const planLoopbackSysctl = (bridge: string): readonly [name: string, value: string] => [
  `conf/${bridge}/route_localnet`,
  "1",
];

export const podTableName = "tskube-pods";
const table = `ip ${podTableName}`;

const toHostAddressPort = "dnat ip to ip daddr . meta l4proto . th dport map @host-address-ports";
const toHostPort = "dnat ip to meta l4proto . th dport map @host-ports";

/** The network's own table: pods leave the node with its address; host ports lead to pods. */
export const planTable = ({
  bridge,
  podCidr,
  clusterCidr = podCidr,
}: BridgeConfig): readonly string[] => [
  `add table ${table}`,
  `delete table ${table}`,
  `add table ${table} { comment "tskube: pod network"; }`,
  `add map ${table} host-ports { type inet_proto . inet_service : ipv4_addr . inet_service; }`,
  `add map ${table} host-address-ports { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }`,
  // Before connections are known: an answer to the node's loopback has the bridge's address here.
  `add chain ${table} loopback-guard { type filter hook prerouting priority raw; }`,
  `add rule ${table} loopback-guard iifname "${bridge}" ip daddr 127.0.0.0/8 drop`,
  `add rule ${table} loopback-guard iifname "${bridge}" ip saddr 127.0.0.0/8 drop`,
  `add chain ${table} postrouting { type nat hook postrouting priority srcnat; }`,
  `add rule ${table} postrouting ip saddr ${podCidr} ip daddr != ${clusterCidr} oifname != "${bridge}" masquerade fully-random`,
  `add rule ${table} postrouting ip saddr 127.0.0.0/8 oifname "${bridge}" masquerade fully-random`,
  ...[
    ["prerouting", "dstnat"],
    ["output", "-100"],
  ].flatMap(([hook, priority]) => [
    `add chain ${table} ${hook} { type nat hook ${hook} priority ${priority}; }`,
    `add rule ${table} ${hook} fib daddr type local ${toHostAddressPort}`,
    `add rule ${table} ${hook} fib daddr type local ${toHostPort}`,
  ]),
];

/** A port of all the node's addresses, or of the one that it names. We have IPv4 only. */
export function planHostPorts(
  verb: "add" | "delete",
  ip: string,
  ports: readonly HostPort[],
): readonly string[] {
  return ports
    .filter(({ hostIp }) => !hostIp.includes(":"))
    .map(({ protocol, hostPort, containerPort, hostIp }) => {
      const isAnywhere = hostIp === "" || hostIp === "0.0.0.0";
      const map = isAnywhere ? "host-ports" : "host-address-ports";
      const key = `${isAnywhere ? "" : `${hostIp} . `}${protocol.toLowerCase()} . ${hostPort}`;
      const value = verb === "add" ? ` : ${ip} . ${containerPort}` : "";
      return `${verb} element ${table} ${map} { ${key}${value} }`;
    });
}
