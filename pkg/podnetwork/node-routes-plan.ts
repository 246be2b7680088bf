/**
 * Which routes a node needs to the pods of the others, and which of those it has are stale. Pure.
 */
import type { GatewayRoute, LinkRequest } from "../linux/rtnetlink.ts";
import { networkOf, parseCidr } from "./plan.ts";

export interface NodePlace {
  readonly name: string;
  /** 10.244.1.0/24; absent: not given yet. */
  readonly podCidr?: string;
  /** Of the node itself, on the common link; absent: not told yet. */
  readonly address?: string;
}

/** rtm_protocol of our routes: none of the numbers that others are known to use (rtnetlink(7)). */
export const routeProtocol = 84;

const keyOf = ({ destination, gateway }: Omit<GatewayRoute, "protocol">): string =>
  `${destination.address}/${destination.prefixBits} ${gateway}`;

/** Stale ones go first: their range may be another node's now. */
export function planNodeRoutes(
  nodes: readonly NodePlace[],
  ownName: string,
  present: readonly GatewayRoute[],
): readonly LinkRequest[] {
  const wanted = nodes.flatMap(({ name, podCidr, address }) =>
    name === ownName || podCidr === undefined || address === undefined
      ? []
      : [{ destination: networkOf(parseCidr(podCidr)), gateway: address }],
  );
  const wantedKeys = new Set(wanted.map(keyOf));
  const presentKeys = new Set(present.map(keyOf));
  const stale = present.filter((route) => !wantedKeys.has(keyOf(route)));
  const missing = wanted.filter((route) => !presentKeys.has(keyOf(route)));
  return [
    ...stale.map(({ destination }): LinkRequest => ({
      do: "delete-route",
      destination,
      protocol: routeProtocol,
    })),
    ...missing.map(({ destination, gateway }): LinkRequest => ({
      do: "add-route",
      // The kernel finds the link by the gateway.
      index: 0,
      destination,
      gateway,
      scope: "universe",
      protocol: routeProtocol,
    })),
  ];
}
