/**
 * Requests about neighbours: which hardware address an IPv4 address has (ARP), and behind which
 * machine a VXLAN device finds a hardware address (its forwarding entries). All that is set here
 * is permanent: it stays until it is deleted, or its link is. Pure.
 */
import { decodeAttributes, ipv4 } from "./netlink-message.ts";
import { afBridge, afInet, attribute, flag, messageType, type Draft } from "./rtnetlink-draft.ts";

/** What an address is bound to on a link, as it is set and as the kernel tells it. */
export interface Neighbour {
  /** Of the link. */
  readonly index: number;
  /** Of the neighbour; of a forwarding entry: of the machine that frames are sent to. */
  readonly ip: string;
  /** Six bytes. */
  readonly hardwareAddress: Uint8Array;
}

export type NeighbourChange =
  | ({ readonly do: "set-neighbour" } & Neighbour)
  | ({ readonly do: "delete-neighbour" } & Omit<Neighbour, "hardwareAddress">)
  | ({ readonly do: "set-forwarding" } & Neighbour)
  | ({ readonly do: "delete-forwarding" } & Neighbour)
  | { readonly do: "list-neighbours" }
  /** Of one device. */
  | { readonly do: "list-forwarding"; readonly index: number };

const permanent = 0x80;
/** The entry is the device's own, not that of a bridge above it. */
const ofDeviceItself = 2;
const nda = { ip: 1, hardwareAddress: 2 } as const;
const neighbourHeaderBytes = 12;

/** struct ndmsg: family, pads, link index, state, flags, type. */
function neighbourHeader(family: number, index: number): Uint8Array {
  const header = new Uint8Array(neighbourHeaderBytes);
  const view = new DataView(header.buffer);
  header[0] = family;
  view.setInt32(4, index, true);
  view.setUint16(8, permanent, true);
  header[10] = family === afBridge ? ofDeviceItself : 0;
  return header;
}

function draftChange(
  family: number,
  { do: verb, index, ip, ...rest }: Extract<NeighbourChange, { index: number; ip: string }>,
): Draft {
  const isSet = verb === "set-neighbour" || verb === "set-forwarding";
  return {
    type: isSet ? messageType.newNeighbour : messageType.deleteNeighbour,
    flags: isSet ? flag.create | flag.replace : 0,
    header: neighbourHeader(family, index),
    attributes: [
      attribute(nda.ip, ipv4(ip)),
      ...("hardwareAddress" in rest ? [attribute(nda.hardwareAddress, rest.hardwareAddress)] : []),
    ],
  };
}

/** For forwarding entries a dump is asked of one device, by a header of links (bridge(8)). */
function draftList(request: Extract<NeighbourChange, { do: `list-${string}` }>): Draft {
  const linkHeaderBytes = 16;
  if (request.do === "list-neighbours") {
    const header = neighbourHeader(afInet, 0);
    return { type: messageType.getNeighbour, flags: flag.dump, header, attributes: [] };
  }
  const header = new Uint8Array(linkHeaderBytes);
  header[0] = afBridge;
  new DataView(header.buffer).setInt32(4, request.index, true);
  return { type: messageType.getNeighbour, flags: flag.dump, header, attributes: [] };
}

export function draftNeighbour(request: NeighbourChange): Draft {
  switch (request.do) {
    case "set-neighbour":
    case "delete-neighbour":
      return draftChange(afInet, request);
    case "set-forwarding":
    case "delete-forwarding":
      return draftChange(afBridge, request);
    case "list-neighbours":
    case "list-forwarding":
      return draftList(request);
  }
}

/** Undefined for what was not set by hand, is of another family, or leads to no address. */
export function neighbourOf(payload: Uint8Array): Neighbour | undefined {
  const view = new DataView(payload.buffer, payload.byteOffset);
  const attributes = decodeAttributes(payload, neighbourHeaderBytes);
  const [ip, hardwareAddress] = [attributes.get(nda.ip), attributes.get(nda.hardwareAddress)];
  const isPermanent = (view.getUint16(8, true) & permanent) !== 0;
  if (!isPermanent || ip?.length !== 4 || hardwareAddress === undefined) return undefined;
  return {
    index: view.getInt32(4, true),
    ip: ip.join("."),
    hardwareAddress: hardwareAddress.slice(),
  };
}
