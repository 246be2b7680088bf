/** Requests about the IPv4 addresses of links, and what the kernel tells of one. Pure. */
import { decodeAttributes, ipv4 } from "./netlink-message.ts";
import {
  afInet,
  attribute,
  flag,
  messageType,
  type Draft,
  type Prefix,
} from "./rtnetlink-draft.ts";

export type AddressChange =
  | {
      readonly do: "add-address";
      readonly index: number;
      readonly address: string;
      readonly prefixBits: number;
    }
  | { readonly do: "list-addresses" };

/** An address, the subnet that is reached over its link, and the link's index. */
export interface LinkAddress extends Prefix {
  readonly index: number;
}

const ifa = { address: 1, local: 2 } as const;
const addressHeaderBytes = 8;

/** struct ifaddrmsg: family, prefix length, flags, scope, index. */
function addressHeader(prefixBits: number, index: number): Uint8Array {
  const header = new Uint8Array(addressHeaderBytes);
  header.set([afInet, prefixBits, 0, 0]);
  new DataView(header.buffer).setUint32(4, index, true);
  return header;
}

export function draftAddress(request: AddressChange): Draft {
  if (request.do === "list-addresses") {
    const header = addressHeader(0, 0);
    return { type: messageType.getAddress, flags: flag.dump, header, attributes: [] };
  }
  const address = ipv4(request.address);
  return {
    type: messageType.newAddress,
    flags: flag.create | flag.replace,
    header: addressHeader(request.prefixBits, request.index),
    attributes: [attribute(ifa.address, address), attribute(ifa.local, address)],
  };
}

/** Undefined for one of another family. */
export function linkAddressOf(payload: Uint8Array): LinkAddress | undefined {
  const [family, prefixBits = 0] = payload;
  const attributes = decodeAttributes(payload, addressHeaderBytes);
  // Of a link from point to point, IFA_ADDRESS is the other end; elsewhere they are the same.
  const address = (attributes.get(ifa.local) ?? attributes.get(ifa.address))?.join(".");
  if (family !== afInet || address === undefined) return undefined;
  const index = new DataView(payload.buffer, payload.byteOffset).getUint32(4, true);
  return { address, prefixBits, index };
}
