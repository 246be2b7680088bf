/**
 * Makes the kernel lead to the pods of other nodes as the plan says, and takes all of it away
 * again. What there is, is read from the kernel every time.
 */
import { NetlinkError, type Netlink } from "../linux/netlink.ts";
import type { Nftables } from "../linux/nftables.ts";
import type { Link } from "../linux/rtnetlink-link.ts";
import type { LinkRequest } from "../linux/rtnetlink.ts";
import { planNodePaths, type NodePlace } from "./node-paths-plan.ts";
import {
  nothingWanted,
  planNodeRoutes,
  routeProtocol,
  type PresentRoutes,
  type Wanted,
} from "./node-routes-plan.ts";
import {
  planTunnel,
  planTunnelTable,
  tunnelName,
  tunnelTable,
  withoutTunnelTable,
} from "./tunnel-plan.ts";

export interface NodeRoutesOptions {
  readonly nftables: Nftables;
  readonly ownName: string;
  /** Of this node's pods. */
  readonly bridge: string;
}

/** A device is made, then what is on it: more rounds mean that somebody works against us. */
const roundsMax = 4;

/** How many nodes are reached which way, and how much was changed. */
export interface NodeRoutesState {
  readonly direct: number;
  readonly tunnelled: number;
  readonly changes: number;
}

/** The link that has the address; undefined where none has. */
export function linkOfAddress(netlink: Netlink, address: string): Link | undefined {
  const index = netlink.addresses().find((one) => one.address === address)?.index;
  return index === undefined ? undefined : netlink.link(index);
}

/** One a process: it is told the nodes again and again, and changes what is not so yet. */
export class NodeRoutes {
  readonly #options: NodeRoutesOptions;
  /** What this process wrote last: a table that stays keeps its counters. */
  #table = "";

  constructor(options: NodeRoutesOptions) {
    this.#options = options;
  }

  /**
   * Brings routes and tunnel up to date. Until this node has its own range and address it changes
   * nothing. Throws with the rest done where the kernel refuses a part.
   */
  apply(netlink: Netlink, nodes: readonly NodePlace[]): NodeRoutesState {
    const paths = planNodePaths(nodes, this.#options.ownName, netlink.addresses());
    if (paths === undefined) return { direct: 0, tunnelled: 0, changes: 0 };
    const underlay = paths.link === undefined ? undefined : netlink.link(paths.link);
    const tunnel = planTunnel(paths, underlay);
    // The table first, and last to go: the port is never open to everybody.
    if (tunnel !== undefined) {
      this.#setTable(planTunnelTable(tunnel, paths, this.#options.bridge));
    }
    const changes = settle(netlink, { paths, tunnel });
    if (tunnel === undefined) this.#setTable(withoutTunnelTable);
    return { direct: paths.direct.length, tunnelled: paths.tunnelled.length, changes };
  }

  #setTable(lines: readonly string[]): void {
    const { nftables } = this.#options;
    const text = lines.join("\n");
    const isWanted = lines !== withoutTunnelTable;
    const isThere = nftables.list("list tables ip").includes(`table ${tunnelTable}\n`);
    if (isWanted === isThere && (!isWanted || text === this.#table)) return;
    nftables.run(lines);
    this.#table = text;
  }
}

/** Takes everything off the node that leads to other nodes' pods. */
export function removeNodeRoutes(netlink: Netlink, nftables: Nftables): void {
  settle(netlink, nothingWanted);
  nftables.run(withoutTunnelTable);
}

function settle(netlink: Netlink, wanted: Wanted): number {
  let count = 0;
  for (let round = 0; round < roundsMax; round++) {
    const changes = planNodeRoutes(wanted, readNodeRoutes(netlink));
    if (changes.length === 0) return count;
    performAll(netlink, changes);
    count += changes.length;
  }
  throw new Error(`the routes to other nodes' pods change while they are set (${tunnelName})`);
}

function readNodeRoutes(netlink: Netlink): PresentRoutes {
  const routes = netlink.gatewayRoutes(routeProtocol);
  const link = netlink.link(tunnelName);
  if (link === undefined) return { routes };
  const { index } = link;
  const addresses = netlink.addresses().filter((one) => one.index === index);
  const neighbours = netlink.neighbours(index);
  return { routes, tunnel: { link, addresses, neighbours, forwarding: netlink.forwarding(index) } };
}

/** What somebody can do about a refusal of the device, by errno's name. */
const remedies: Readonly<Record<string, string>> = {
  EEXIST: `another device has its identifier and port; remove it (ip -d link show type vxlan)`,
  EOPNOTSUPP: "this kernel has no VXLAN; load the module vxlan",
};

/** A node whose address the kernel refuses keeps none of the others: what failed is thrown last. */
function performAll(netlink: Netlink, changes: readonly LinkRequest[]): void {
  const failures: unknown[] = [];
  for (const change of changes) {
    try {
      netlink.request(change);
    } catch (error) {
      if (!isGoneAlready(change, error)) failures.push(withRemedy(change, error));
    }
  }
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${changes.length} changes of routes to pods failed`, {
      cause: failures[0],
    });
  }
}

function withRemedy({ do: verb }: LinkRequest, error: unknown): unknown {
  const remedy =
    verb === "add-vxlan" && error instanceof NetlinkError ? remedies[error.code] : undefined;
  return remedy === undefined ? error : new Error(`${tunnelName}: ${remedy}`, { cause: error });
}

const isGoneAlready = ({ do: verb }: LinkRequest, error: unknown): boolean =>
  verb.startsWith("delete-") &&
  error instanceof NetlinkError &&
  ["ENOENT", "ESRCH", "ENODEV"].includes(error.code);
