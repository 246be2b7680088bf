/** Requests about links, as values, and what the kernel tells of one (veth(4), vxlan). Pure. */
import {
  attributesOf,
  decodeAttributes,
  encodeMessage,
  ipv4,
  text,
  textOf,
  u16BigEndian,
  u32,
  u8,
  type Attribute,
} from "./netlink-message.ts";
import { afBridge, attribute, flag, messageType, optional, type Draft } from "./rtnetlink-draft.ts";

/** A device that carries Ethernet frames in UDP datagrams to other machines (RFC 7348). */
export interface Vxlan {
  /** VXLAN network identifier, 24 bits. */
  readonly id: number;
  /** UDP port, of this machine and of the others. */
  readonly port: number;
  /** Source of its datagrams; absent: as they are routed. */
  readonly local?: string;
}

export type LinkChange =
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
  /** It learns nothing from what it receives: whom it reaches is told by forwarding entries. */
  | {
      readonly do: "add-vxlan";
      readonly name: string;
      /** Hardware address, six bytes. */
      readonly address: Uint8Array;
      readonly mtu: number;
      readonly vxlan: Vxlan;
    }
  | { readonly do: "delete-link"; readonly name: string }
  | {
      readonly do: "set-link";
      readonly index: number;
      readonly up?: boolean;
      /** Index of the bridge. */
      readonly master?: number;
      readonly mtu?: number;
    }
  /** A port of a bridge sends back what came in by it, where that is whom it is for. */
  | { readonly do: "set-hairpin"; readonly index: number }
  /** By its name, or by its index. */
  | { readonly do: "get-link"; readonly link: string | number };

/** A link as the kernel tells it. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  readonly isLoopback: boolean;
  readonly mtu: number;
  /** Six bytes of an Ethernet device. */
  readonly address: Uint8Array;
  /** "bridge", "veth", "vxlan"; absent on devices of hardware. */
  readonly kind?: string;
  /** Only of kind vxlan. */
  readonly vxlan?: Vxlan;
}

const interfaceUp = 1;
const interfaceLoopback = 8;
const linkHeaderBytes = 16;
const ifla = { address: 1, name: 3, mtu: 4, master: 10, info: 18, netnsFd: 28 } as const;
const infoKind = 1;
const infoData = 2;
const vethPeer = 1;
const vxlanData = { id: 1, local: 4, learning: 7, port: 15 } as const;

/** struct ifinfomsg: family, pad, type, index, flags, change mask. */
function linkHeader(index = 0, flags = 0, mask = 0): Uint8Array {
  const header = new Uint8Array(linkHeaderBytes);
  const view = new DataView(header.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, mask, true);
  return header;
}

const newLink = (attributes: readonly Attribute[]): Draft => ({
  type: messageType.newLink,
  flags: flag.create | flag.exclusive,
  header: linkHeader(),
  attributes,
});

const byName = (type: number, name: string): Draft => ({
  type,
  flags: 0,
  header: linkHeader(),
  attributes: [attribute(ifla.name, text(name))],
});

const getLink = (link: string | number): Draft =>
  typeof link === "string"
    ? byName(messageType.getLink, link)
    : { type: messageType.getLink, flags: 0, header: linkHeader(link), attributes: [] };

const linkInfo = (kind: string, data?: readonly Attribute[]): Attribute =>
  attribute(ifla.info, [
    attribute(infoKind, text(kind)),
    ...(data === undefined ? [] : [attribute(infoData, data)]),
  ]);

const bytes = (value: Uint8Array): Uint8Array => value;

const addBridge = ({ name, address }: Extract<LinkChange, { do: "add-bridge" }>): Draft =>
  newLink([
    attribute(ifla.name, text(name)),
    ...optional(ifla.address, address, bytes),
    linkInfo("bridge"),
  ]);

function addVeth(request: Extract<LinkChange, { do: "add-veth" }>): Draft {
  const mtu = optional(ifla.mtu, request.mtu, u32);
  // The peer's description is a whole ifinfomsg with attributes inside one attribute (veth(4)).
  const peerAttributes = encodeMessage({
    type: 0,
    flags: 0,
    sequence: 0,
    header: linkHeader(),
    attributes: [
      attribute(ifla.name, text(request.peer)),
      attribute(ifla.netnsFd, u32(request.peerNetns)),
      ...optional(ifla.address, request.peerAddress, bytes),
      ...mtu,
    ],
  }).subarray(16);
  return newLink([
    attribute(ifla.name, text(request.name)),
    ...mtu,
    linkInfo("veth", [attribute(vethPeer, peerAttributes)]),
  ]);
}

const addVxlan = ({
  name,
  address,
  mtu,
  vxlan: { id, port, local },
}: Extract<LinkChange, { do: "add-vxlan" }>): Draft =>
  newLink([
    attribute(ifla.name, text(name)),
    attribute(ifla.address, address),
    attribute(ifla.mtu, u32(mtu)),
    linkInfo("vxlan", [
      attribute(vxlanData.id, u32(id)),
      ...optional(vxlanData.local, local, ipv4),
      attribute(vxlanData.learning, u8(0)),
      attribute(vxlanData.port, u16BigEndian(port)),
    ]),
  ]);

function setLink(request: Extract<LinkChange, { do: "set-link" }>): Draft {
  const up = request.up === undefined ? 0 : interfaceUp;
  return {
    type: messageType.newLink,
    flags: 0,
    header: linkHeader(request.index, request.up === true ? interfaceUp : 0, up),
    attributes: [
      ...optional(ifla.mtu, request.mtu, u32),
      ...optional(ifla.master, request.master, u32),
    ],
  };
}

/** For bridges the header's family is theirs, and a port's settings lie in one attribute. */
function setHairpin({ index }: Extract<LinkChange, { do: "set-hairpin" }>): Draft {
  const protocolInfo = 12;
  const portMode = 4;
  const header = linkHeader(index);
  header[0] = afBridge;
  const attributes = [attribute(protocolInfo, [attribute(portMode, u8(1))])];
  return { type: messageType.setLink, flags: 0, header, attributes };
}

export function draftLink(request: LinkChange): Draft {
  switch (request.do) {
    case "add-bridge":
      return addBridge(request);
    case "add-veth":
      return addVeth(request);
    case "add-vxlan":
      return addVxlan(request);
    case "delete-link":
      return byName(messageType.deleteLink, request.name);
    case "set-link":
      return setLink(request);
    case "set-hairpin":
      return setHairpin(request);
    case "get-link":
      return getLink(request.link);
  }
}

const numberOf = (value: Uint8Array | undefined): number =>
  value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0, true);

function vxlanOf(data: Uint8Array): Vxlan {
  const attributes = decodeAttributes(data, 0);
  const [high = 0, low = 0] = attributes.get(vxlanData.port) ?? [];
  const local = attributes.get(vxlanData.local)?.join(".");
  return {
    id: numberOf(attributes.get(vxlanData.id)),
    port: high * 256 + low,
    // The kernel tells the absent one as zeros, or not at all.
    ...(local === undefined || local === "0.0.0.0" ? {} : { local }),
  };
}

/** A link out of an answer (struct ifinfomsg and attributes). */
export function linkOf(payload: Uint8Array): Link {
  const view = new DataView(payload.buffer, payload.byteOffset);
  const attributes = decodeAttributes(payload, linkHeaderBytes);
  const info = attributesOf(attributes.get(ifla.info));
  const kind = textOf(info.get(infoKind));
  const data = info.get(infoData);
  const flags = view.getUint32(8, true);
  return {
    index: view.getInt32(4, true),
    isUp: (flags & interfaceUp) !== 0,
    isLoopback: (flags & interfaceLoopback) !== 0,
    name: textOf(attributes.get(ifla.name)) ?? "",
    mtu: numberOf(attributes.get(ifla.mtu)),
    address: attributes.get(ifla.address)?.slice() ?? new Uint8Array(),
    ...(kind === undefined ? {} : { kind }),
    ...(kind === "vxlan" && data !== undefined ? { vxlan: vxlanOf(data) } : {}),
  };
}
