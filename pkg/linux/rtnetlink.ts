/**
 * What may be asked of the kernel's network: links, addresses, routes, as values. `encodeRequest`
 * makes the message of one; `netlink.ts` sends it. Pure.
 */
import {
  decodeAttributes,
  encodeMessage,
  ipv4,
  text,
  u32,
  u8,
  type Attribute,
} from "./netlink-message.ts";

export type LinkRequest =
  | { readonly do: "add-bridge"; readonly name: string; readonly address?: Uint8Array }
  /** Both ends are made at once; the peer appears directly in the namespace of `peerNetns`. */
  | {
      readonly do: "add-veth";
      readonly name: string;
      readonly peer: string;
      /** Descriptor of the peer's network namespace. */
      readonly peerNetns: number;
      /** Hardware address of the peer, six bytes. */
      readonly peerAddress?: Uint8Array;
      readonly mtu?: number;
    }
  | { readonly do: "delete-link"; readonly name: string }
  | {
      readonly do: "set-link";
      readonly index: number;
      readonly up?: boolean;
      /** Index of the bridge. */
      readonly master?: number;
    }
  /** A port of a bridge sends back what came in by it, where that is whom it is for. */
  | { readonly do: "set-hairpin"; readonly index: number }
  | { readonly do: "get-link"; readonly name: string }
  | {
      readonly do: "add-address";
      readonly index: number;
      readonly address: string;
      readonly prefixBits: number;
    }
  | {
      readonly do: "add-route";
      readonly index: number;
      /** Absent: the default route. */
      readonly destination?: { readonly address: string; readonly prefixBits: number };
      readonly gateway?: string;
      readonly scope: "link" | "universe";
      /** Who made it (rtm_protocol); absent: boot. Routes of one maker can be listed. */
      readonly protocol?: number;
    }
  | {
      readonly do: "delete-route";
      readonly destination: { readonly address: string; readonly prefixBits: number };
      readonly protocol: number;
    }
  | { readonly do: "list-routes" };

/** A route as the kernel tells it; only those with a destination and a gateway. */
export interface GatewayRoute {
  readonly destination: { readonly address: string; readonly prefixBits: number };
  readonly gateway: string;
  readonly protocol: number;
}

export const messageType = {
  error: 2,
  done: 3,
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  setLink: 19,
  newAddress: 20,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
} as const;
const flag = {
  request: 1,
  ack: 4,
  exclusive: 0x200,
  create: 0x400,
  replace: 0x100,
  dump: 0x300,
} as const;
const interfaceUp = 1;
const afInet = 2;

const attribute = (type: number, value: Uint8Array | readonly Attribute[]): Attribute => ({
  type,
  value,
});
const ifla = { address: 1, name: 3, mtu: 4, master: 10, info: 18, netnsFd: 28 } as const;
const infoKind = 1;
const infoData = 2;
const vethPeer = 1;

/** struct ifinfomsg: family, pad, type, index, flags, change mask. */
function linkHeader(index: number, flags: number, mask: number): Uint8Array {
  const header = new Uint8Array(16);
  const view = new DataView(header.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, mask, true);
  return header;
}

interface Draft {
  readonly type: number;
  readonly flags: number;
  readonly header: Uint8Array;
  readonly attributes: readonly Attribute[];
}

const newLink = (attributes: readonly Attribute[]): Draft => ({
  type: messageType.newLink,
  flags: flag.create | flag.exclusive,
  header: linkHeader(0, 0, 0),
  attributes,
});

const linkInfo = (kind: string, data?: readonly Attribute[]): Attribute =>
  attribute(ifla.info, [
    attribute(infoKind, text(kind)),
    ...(data === undefined ? [] : [attribute(infoData, data)]),
  ]);

function addVeth(request: Extract<LinkRequest, { do: "add-veth" }>): Draft {
  const mtu = request.mtu === undefined ? [] : [attribute(ifla.mtu, u32(request.mtu))];
  // The peer's description is a whole ifinfomsg with attributes inside one attribute (veth(4)).
  const peerAttributes = encodeMessage({
    type: 0,
    flags: 0,
    sequence: 0,
    header: linkHeader(0, 0, 0),
    attributes: [
      attribute(ifla.name, text(request.peer)),
      attribute(ifla.netnsFd, u32(request.peerNetns)),
      ...(request.peerAddress === undefined ? [] : [attribute(ifla.address, request.peerAddress)]),
      ...mtu,
    ],
  }).subarray(16);
  return newLink([
    attribute(ifla.name, text(request.name)),
    ...mtu,
    linkInfo("veth", [attribute(vethPeer, peerAttributes)]),
  ]);
}

function setLink(request: Extract<LinkRequest, { do: "set-link" }>): Draft {
  const up = request.up === undefined ? 0 : interfaceUp;
  const master = request.master === undefined ? [] : [attribute(ifla.master, u32(request.master))];
  return {
    type: messageType.newLink,
    flags: 0,
    header: linkHeader(request.index, request.up === true ? interfaceUp : 0, up),
    attributes: master,
  };
}

/** For bridges the header's family is theirs, and a port's settings lie in one attribute. */
function setHairpin({ index }: Extract<LinkRequest, { do: "set-hairpin" }>): Draft {
  const afBridge = 7;
  const protocolInfo = 12;
  const portMode = 4;
  const header = linkHeader(index, 0, 0);
  header[0] = afBridge;
  const attributes = [attribute(protocolInfo, [attribute(portMode, u8(1))])];
  return { type: messageType.setLink, flags: 0, header, attributes };
}

function addAddress(request: Extract<LinkRequest, { do: "add-address" }>): Draft {
  const header = new Uint8Array(8);
  header.set([afInet, request.prefixBits, 0, 0]);
  new DataView(header.buffer).setUint32(4, request.index, true);
  const address = ipv4(request.address);
  const local = 2;
  return {
    type: messageType.newAddress,
    flags: flag.create | flag.replace,
    header,
    attributes: [attribute(1, address), attribute(local, address)],
  };
}

const bootProtocol = 3;
const mainTable = 254;
const rta = { destination: 1, outputInterface: 4, gateway: 5 } as const;
const routeHeaderBytes = 12;

/** struct rtmsg: family, lengths, tos, table, protocol, scope, type, flags. */
const routeHeader = (prefixBits: number, protocol: number, scope: number): Uint8Array => {
  const unicast = 1;
  const fields = [afInet, prefixBits, 0, 0, mainTable, protocol, scope, unicast];
  const header = new Uint8Array(routeHeaderBytes);
  header.set(fields);
  return header;
};

const addRoute = (request: Extract<LinkRequest, { do: "add-route" }>): Draft => ({
  type: messageType.newRoute,
  flags: flag.create | flag.replace,
  header: routeHeader(
    request.destination?.prefixBits ?? 0,
    request.protocol ?? bootProtocol,
    request.scope === "link" ? 253 : 0,
  ),
  attributes: [
    ...(request.destination === undefined
      ? []
      : [attribute(rta.destination, ipv4(request.destination.address))]),
    ...(request.gateway === undefined ? [] : [attribute(rta.gateway, ipv4(request.gateway))]),
    attribute(rta.outputInterface, u32(request.index)),
  ],
});

function deleteRoute(request: Extract<LinkRequest, { do: "delete-route" }>): Draft {
  const nowhere = 255;
  const { destination, protocol } = request;
  return {
    type: messageType.deleteRoute,
    flags: 0,
    header: routeHeader(destination.prefixBits, protocol, nowhere),
    attributes: [attribute(rta.destination, ipv4(destination.address))],
  };
}

/** A route of the main table out of a reply; undefined for what has no gateway or destination. */
export function gatewayRouteOf(payload: Uint8Array): GatewayRoute | undefined {
  const [, prefixBits = 0, , , table, protocol = 0] = payload;
  const attributes = decodeAttributes(payload, routeHeaderBytes);
  const address = attributes.get(rta.destination)?.join(".");
  const gateway = attributes.get(rta.gateway)?.join(".");
  if (table !== mainTable || address === undefined || gateway === undefined) return undefined;
  return { destination: { address, prefixBits }, gateway, protocol };
}

function draftOf(request: LinkRequest): Draft {
  switch (request.do) {
    case "add-bridge":
      return newLink([
        attribute(ifla.name, text(request.name)),
        ...(request.address === undefined ? [] : [attribute(ifla.address, request.address)]),
        linkInfo("bridge"),
      ]);
    case "add-veth":
      return addVeth(request);
    case "delete-link":
      return {
        type: messageType.deleteLink,
        flags: 0,
        header: linkHeader(0, 0, 0),
        attributes: [attribute(ifla.name, text(request.name))],
      };
    case "set-link":
      return setLink(request);
    case "set-hairpin":
      return setHairpin(request);
    case "get-link":
      return {
        type: messageType.getLink,
        flags: 0,
        header: linkHeader(0, 0, 0),
        attributes: [attribute(ifla.name, text(request.name))],
      };
    case "add-address":
      return addAddress(request);
    case "add-route":
      return addRoute(request);
    case "delete-route":
      return deleteRoute(request);
    case "list-routes":
      return {
        type: messageType.getRoute,
        flags: flag.dump,
        header: routeHeader(0, 0, 0),
        attributes: [],
      };
  }
}

/** Every request asks for an acknowledgement: nothing is sent and hoped for. */
export function encodeRequest(request: LinkRequest, sequence: number): Uint8Array {
  const { type, flags, header, attributes } = draftOf(request);
  return encodeMessage({
    type,
    flags: flags | flag.request | flag.ack,
    sequence,
    header,
    attributes,
  });
}

/** The interface index in a link's answer (struct ifinfomsg). */
export const linkIndexOf = (payload: Uint8Array): number =>
  new DataView(payload.buffer, payload.byteOffset).getInt32(4, true);
