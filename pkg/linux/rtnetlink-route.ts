/** Requests about IPv4 routes of the main table, and what the kernel tells of one. Pure. */
import { decodeAttributes, ipv4, u32 } from "./netlink-message.ts";
import {
  afInet,
  attribute,
  flag,
  messageType,
  optional,
  type Draft,
  type Prefix,
} from "./rtnetlink-draft.ts";

export type RouteChange =
  /** Takes the place of the route to the same destination, if there is one. */
  | {
      readonly do: "add-route";
      /** Of the link; 0: the kernel finds it by the gateway. */
      readonly index: number;
      /** Absent: the default route. */
      readonly destination?: Prefix;
      readonly gateway?: string;
      /** The gateway is on the link, though no address of the link says so. */
      readonly onLink?: boolean;
      readonly scope: "link" | "universe";
      /** Of the path, where it is less than the link's. */
      readonly mtu?: number;
      /** Who made it (rtm_protocol); absent: boot. Routes of one maker can be listed. */
      readonly protocol?: number;
    }
  | { readonly do: "delete-route"; readonly destination: Prefix; readonly protocol: number }
  | { readonly do: "list-routes" };

/** A route as the kernel tells it; only those with a destination and a gateway. */
export interface GatewayRoute {
  readonly destination: Prefix;
  readonly gateway: string;
  /** Of the link that it leads over. */
  readonly index: number;
  readonly protocol: number;
}

const bootProtocol = 3;
const mainTable = 254;
const universeScope = 0;
const linkScope = 253;
const nowhereScope = 255;
const onLinkFlag = 4;
const rta = { destination: 1, outputInterface: 4, gateway: 5, metrics: 8 } as const;
const mtuMetric = 2;
const routeHeaderBytes = 12;

/** struct rtmsg: family, lengths, tos, table, protocol, scope, type, flags. */
function routeHeader(prefixBits: number, protocol: number, scope: number, flags = 0): Uint8Array {
  const unicast = 1;
  const header = new Uint8Array(routeHeaderBytes);
  header.set([afInet, prefixBits, 0, 0, mainTable, protocol, scope, unicast, flags]);
  return header;
}

const addRoute = (request: Extract<RouteChange, { do: "add-route" }>): Draft => ({
  type: messageType.newRoute,
  flags: flag.create | flag.replace,
  header: routeHeader(
    request.destination?.prefixBits ?? 0,
    request.protocol ?? bootProtocol,
    request.scope === "link" ? linkScope : universeScope,
    request.onLink === true ? onLinkFlag : 0,
  ),
  attributes: [
    ...optional(rta.destination, request.destination?.address, ipv4),
    ...optional(rta.gateway, request.gateway, ipv4),
    attribute(rta.outputInterface, u32(request.index)),
    ...(request.mtu === undefined
      ? []
      : [attribute(rta.metrics, [attribute(mtuMetric, u32(request.mtu))])]),
  ],
});

export function draftRoute(request: RouteChange): Draft {
  switch (request.do) {
    case "add-route":
      return addRoute(request);
    case "delete-route":
      return {
        type: messageType.deleteRoute,
        flags: 0,
        header: routeHeader(request.destination.prefixBits, request.protocol, nowhereScope),
        attributes: [attribute(rta.destination, ipv4(request.destination.address))],
      };
    case "list-routes":
      return {
        type: messageType.getRoute,
        flags: flag.dump,
        header: routeHeader(0, 0, 0),
        attributes: [],
      };
  }
}

/** A route of the main table out of a reply; undefined for what has no gateway or destination. */
export function gatewayRouteOf(payload: Uint8Array): GatewayRoute | undefined {
  const [, prefixBits = 0, , , table, protocol = 0] = payload;
  const attributes = decodeAttributes(payload, routeHeaderBytes);
  const address = attributes.get(rta.destination)?.join(".");
  const gateway = attributes.get(rta.gateway)?.join(".");
  const link = attributes.get(rta.outputInterface);
  if (table !== mainTable || address === undefined || gateway === undefined) return undefined;
  if (link === undefined) return undefined;
  const index = new DataView(link.buffer, link.byteOffset).getUint32(0, true);
  return { destination: { address, prefixBits }, gateway, index, protocol };
}
