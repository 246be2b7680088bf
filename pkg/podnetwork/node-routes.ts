/**
 * Makes the kernel lead to the pods of other nodes as the plan says, and takes all of it away
 * again. It remembers nothing: what there is, is read from the kernel every time.
 */
import { NetlinkError, type Netlink } from "../linux/netlink.ts";
import type { Nftables } from "../linux/nftables.ts";
import type { LinkRequest } from "../linux/rtnetlink.ts";
import { planNodePaths, type NodePlace } from "./node-paths-plan.ts";
import {
  nothingWanted,
  planNodeRoutes,
  routeProtocol,
  type NodeRoutes,
  type Wanted,
} from "./node-routes-plan.ts";
import { planTunnel, planTunnelTable, tunnelName, withoutTunnelTable } from "./tunnel-plan.ts";

export interface NodeRoutesOptions {
  readonly netlink: Netlink;
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

/**
 * Brings routes and tunnel up to date. Until this node has its own range and address it changes
 * nothing. Throws NetlinkError or NftablesError with the rest done.
 */
export function applyNodeRoutes(
  nodes: readonly NodePlace[],
  { netlink, nftables, ownName, bridge }: NodeRoutesOptions,
): NodeRoutesState {
  const paths = planNodePaths(nodes, ownName, netlink.addresses());
  if (paths === undefined) return { direct: 0, tunnelled: 0, changes: 0 };
  const underlay = paths.link === undefined ? undefined : netlink.link(paths.link);
  const tunnel = planTunnel(paths, underlay);
  // The table first: the port is never open to everybody.
  if (tunnel !== undefined) nftables.run(planTunnelTable(tunnel, paths, bridge));
  const changes = settle(netlink, { paths, tunnel });
  if (tunnel === undefined) nftables.run(withoutTunnelTable);
  return { direct: paths.direct.length, tunnelled: paths.tunnelled.length, changes };
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

function readNodeRoutes(netlink: Netlink): NodeRoutes {
  const routes = netlink.gatewayRoutes(routeProtocol);
  const link = netlink.link(tunnelName);
  if (link === undefined) return { routes };
  const { index } = link;
  const addresses = netlink.addresses().filter((one) => one.index === index);
  const neighbours = netlink.neighbours(index);
  return { routes, tunnel: { link, addresses, neighbours, forwarding: netlink.forwarding(index) } };
}

/** A node whose address the kernel refuses keeps none of the others: what failed is thrown last. */
function performAll(netlink: Netlink, changes: readonly LinkRequest[]): void {
  const failures: unknown[] = [];
  for (const change of changes) {
    try {
      netlink.request(change);
    } catch (error) {
      if (!isGoneAlready(change, error)) failures.push(error);
    }
  }
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${changes.length} changes of routes to pods failed`, {
      cause: failures[0],
    });
  }
}

const isGoneAlready = ({ do: verb }: LinkRequest, error: unknown): boolean =>
  verb.startsWith("delete-") &&
  error instanceof NetlinkError &&
  ["ENOENT", "ESRCH", "ENODEV"].includes(error.code);
