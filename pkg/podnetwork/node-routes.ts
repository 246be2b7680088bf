/**
 * Routes to the pods of other nodes that share a link with this one: one a node, over its address.
 */
import type { Netlink } from "../linux/netlink.ts";
import type { GatewayRoute } from "../linux/rtnetlink.ts";
import { planNodeRoutes, routeProtocol, type NodePlace } from "./node-routes-plan.ts";

/** Makes the kernel's routes be those that the nodes want, and answers how many were changed. */
export function applyNodeRoutes(
  netlink: Netlink,
  nodes: readonly NodePlace[],
  ownName: string,
): number {
  const present: readonly GatewayRoute[] = netlink.gatewayRoutes(routeProtocol);
  const changes = planNodeRoutes(nodes, ownName, present);
  for (const change of changes) netlink.request(change);
  return changes.length;
}
