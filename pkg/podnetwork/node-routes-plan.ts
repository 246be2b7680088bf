/**
 * From how the other nodes' pods are reached, and what the kernel has of that, to what is to be
 * changed. Pure. Asked again after its changes it comes, in a few rounds, to none: a device must
 * be there before its index can be named.
 */
import type { LinkAddress } from "../linux/rtnetlink-address.ts";
import type { Link } from "../linux/rtnetlink-link.ts";
import type { Neighbour } from "../linux/rtnetlink-neighbour.ts";
import type { GatewayRoute } from "../linux/rtnetlink-route.ts";
import type { LinkRequest } from "../linux/rtnetlink.ts";
import type { NodePath, NodePaths } from "./node-paths-plan.ts";
import {
  forwardingOf,
  isThisTunnel,
  neighbourKey,
  neighbourOf,
  tunnelName,
  type Tunnel,
} from "./tunnel-plan.ts";

/** rtm_protocol of our routes: none of the numbers that others are known to use (rtnetlink(7)). */
export const routeProtocol = 84;

/** What the kernel has of ours. */
export interface PresentRoutes {
  readonly routes: readonly GatewayRoute[];
  readonly tunnel?: {
    readonly link: Link;
    readonly addresses: readonly LinkAddress[];
    readonly neighbours: readonly Neighbour[];
    readonly forwarding: readonly Neighbour[];
  };
}

export interface Wanted {
  readonly paths: Pick<NodePaths, "direct" | "tunnelled" | "link">;
  readonly tunnel: Tunnel | undefined;
}

/** Nothing of ours: what is left of a node that leaves its cluster. */
export const nothingWanted: Wanted = {
  paths: { direct: [], tunnelled: [] },
  tunnel: undefined,
};

type WantedRoute = Extract<LinkRequest, { do: "add-route" }> &
  Pick<GatewayRoute, "destination" | "gateway">;

const routeOver = (index: number, { pods }: NodePath, gateway: string): WantedRoute => ({
  do: "add-route",
  index,
  destination: pods,
  gateway,
  scope: "universe",
  protocol: routeProtocol,
});

type RouteIdentity = Pick<GatewayRoute, "destination" | "gateway" | "index">;

const destinationKey = ({ destination }: Pick<GatewayRoute, "destination">): string =>
  `${destination.address}/${destination.prefixBits}`;
const routeKey = (route: RouteIdentity): string =>
  `${destinationKey(route)} ${route.gateway} ${route.index}`;

/** A route to a destination that has one takes its place: at no time is there none. */
function planRoutes(
  wanted: readonly WantedRoute[],
  present: readonly GatewayRoute[],
): readonly LinkRequest[] {
  const presentKeys = new Set(present.map(routeKey));
  const destinations = new Set(wanted.map(destinationKey));
  const missing = wanted.filter((route) => !presentKeys.has(routeKey(route)));
  const stale = present.filter((route) => !destinations.has(destinationKey(route)));
  const deletion = ({ destination }: GatewayRoute): LinkRequest => ({
    do: "delete-route",
    destination,
    protocol: routeProtocol,
  });
  return [...missing, ...stale.map(deletion)];
}

/** The device itself: made anew where it differs in what cannot be changed. */
function planDevice(wanted: Tunnel, present: PresentRoutes["tunnel"]): readonly LinkRequest[] {
  const { address, mtu, vxlan, ip } = wanted;
  const add: LinkRequest = { do: "add-vxlan", name: tunnelName, address, mtu, vxlan };
  if (present === undefined) return [add];
  const { link, addresses } = present;
  const { index } = link;
  const foreign = addresses.some((one) => one.address !== ip);
  if (foreign || !isThisTunnel(link, wanted)) return [{ do: "delete-link", name: tunnelName }, add];
  const isSet = addresses.length > 0;
  return [
    ...(isSet ? [] : [{ do: "add-address", index, address: ip, prefixBits: 32 } as const]),
    ...(link.mtu === mtu ? [] : [{ do: "set-link", index, mtu } as const]),
    ...(link.isUp ? [] : [{ do: "set-link", index, up: true } as const]),
  ];
}

type Present = NonNullable<PresentRoutes["tunnel"]>;

/** Who is reached through the device, before any route leads there. */
function planEntries(
  paths: readonly NodePath[],
  { link: { index }, neighbours, forwarding }: Present,
): { readonly set: readonly LinkRequest[]; readonly remove: readonly LinkRequest[] } {
  const ends = paths.map((path) => neighbourOf(path, index));
  const machines = paths.map((path) => forwardingOf(path, index));
  const keys = (all: readonly Neighbour[]) => new Set(all.map(neighbourKey));
  const [presentEnds, presentMachines] = [keys(neighbours), keys(forwarding)];
  const endIps = new Set(ends.map(({ ip }) => ip));
  const machineKeys = keys(machines);
  return {
    set: [
      ...machines
        .filter((one) => !presentMachines.has(neighbourKey(one)))
        .map((one) => ({ do: "set-forwarding", ...one }) as const),
      ...ends
        .filter((one) => !presentEnds.has(neighbourKey(one)))
        .map((one) => ({ do: "set-neighbour", ...one }) as const),
    ],
    remove: [
      ...neighbours
        .filter(({ ip }) => !endIps.has(ip))
        .map(({ ip }) => ({ do: "delete-neighbour", index, ip }) as const),
      ...forwarding
        .filter((one) => !machineKeys.has(neighbourKey(one)))
        .map((one) => ({ do: "delete-forwarding", ...one }) as const),
    ],
  };
}

const noEntries = { set: [], remove: [] };

/**
 * What leads somewhere is there before what leads to it, and goes after it; a device that nobody
 * needs goes last.
 */
export function planNodeRoutes(
  { paths: { direct, tunnelled, link }, tunnel }: Wanted,
  present: PresentRoutes,
): readonly LinkRequest[] {
  const device = tunnel === undefined ? [] : planDevice(tunnel, present.tunnel);
  const isMade = device.some(({ do: verb }) => verb === "add-vxlan");
  const ready = tunnel === undefined || isMade ? undefined : present.tunnel;
  const entries = ready === undefined ? noEntries : planEntries(tunnelled, ready);
  const wanted = [
    ...direct.map((path) => routeOver(link ?? 0, path, path.address)),
    ...tunnelled.map((path) => ({
      ...routeOver(ready?.link.index ?? 0, path, path.pods.address),
      onLink: true,
    })),
  ];
  const routes = planRoutes(wanted, present.routes);
  const isPossible = (change: LinkRequest): boolean =>
    ready !== undefined || !("onLink" in change && change.onLink === true);
  const isUnneeded = tunnel === undefined && present.tunnel !== undefined;
  return [
    ...device,
    ...entries.set,
    ...routes.filter(isPossible),
    ...entries.remove,
    ...(isUnneeded ? [{ do: "delete-link", name: tunnelName } as const] : []),
  ];
}
