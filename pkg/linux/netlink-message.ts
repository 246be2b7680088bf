/**
 * Route netlink messages as bytes (netlink(7), rtnetlink(7)): built and taken apart here, sent by
 * `netlink.ts`. Pure. Integers are in the machine's byte order; both supported machines are little
 * endian.
 */

/** One attribute: nested attributes are a list, everything else is bytes. */
export interface Attribute {
  readonly type: number;
  readonly value: Uint8Array | readonly Attribute[];
}

export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The family header (ifinfomsg, ifaddrmsg, rtmsg), then attributes. */
  readonly header: Uint8Array;
  readonly attributes: readonly Attribute[];
}

const messageHeaderBytes = 16;
const attributeHeaderBytes = 4;
const nestedFlag = 0x8000;
/** Attributes and messages begin at multiples of four. */
const aligned = (bytes: number): number => (bytes + 3) & ~3;

export const u8 = (value: number): Uint8Array => Uint8Array.of(value);
export const u32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
};
/** Ports are told as they are on the wire. */
export const u16BigEndian = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff);
/** A text with its closing zero, as names of links and kinds are sent. */
export const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);

/** 10.0.0.1 → four bytes. Throws on anything that is not a dotted IPv4 address. */
export function ipv4(address: string): Uint8Array {
  const parts = address.split(".").map(Number);
  const valid = parts.length === 4 && parts.every((part) => part >= 0 && part <= 255);
  if (!valid || !/^[\d.]+$/.test(address)) throw new Error(`not an IPv4 address: "${address}"`);
  return Uint8Array.from(parts);
}

const attributeBytes = (attribute: Attribute): number =>
  attributeHeaderBytes +
  (attribute.value instanceof Uint8Array
    ? attribute.value.length
    : attribute.value.reduce((sum, one) => sum + aligned(attributeBytes(one)), 0));

function writeAttribute(attribute: Attribute, into: Uint8Array, at: number): number {
  const view = new DataView(into.buffer, into.byteOffset);
  const length = attributeBytes(attribute);
  const nested = !(attribute.value instanceof Uint8Array);
  view.setUint16(at, length, true);
  view.setUint16(at + 2, nested ? attribute.type | nestedFlag : attribute.type, true);
  if (attribute.value instanceof Uint8Array) into.set(attribute.value, at + attributeHeaderBytes);
  else {
    let inner = at + attributeHeaderBytes;
    for (const one of attribute.value) inner = writeAttribute(one, into, inner);
  }
  return at + aligned(length);
}

export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const headerEnd = messageHeaderBytes + aligned(message.header.length);
  const length = message.attributes.reduce(
    (sum, one) => sum + aligned(attributeBytes(one)),
    headerEnd,
  );
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.sequence, true);
  bytes.set(message.header, messageHeaderBytes);
  let at = headerEnd;
  for (const attribute of message.attributes) at = writeAttribute(attribute, bytes, at);
  return bytes;
}

export interface Reply {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** Takes a datagram apart. A datagram that ends inside a message is a kernel bug: it throws. */
export function decodeReplies(datagram: Uint8Array): readonly Reply[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const replies: Reply[] = [];
  for (let at = 0; at + messageHeaderBytes <= datagram.length;) {
    const length = view.getUint32(at, true);
    if (length < messageHeaderBytes || at + length > datagram.length) {
      throw new Error(`netlink message of ${length} bytes at ${at} of ${datagram.length}`);
    }
    replies.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      payload: datagram.subarray(at + messageHeaderBytes, at + length),
    });
    at += aligned(length);
  }
  return replies;
}

/** The attributes behind a family header of `headerBytes`, by type; nested ones stay bytes. */
export function decodeAttributes(
  payload: Uint8Array,
  headerBytes: number,
): ReadonlyMap<number, Uint8Array> {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const found = new Map<number, Uint8Array>();
  for (let at = aligned(headerBytes); at + attributeHeaderBytes <= payload.length;) {
    const length = view.getUint16(at, true);
    if (length < attributeHeaderBytes) break;
    const type = view.getUint16(at + 2, true) & 0x3fff;
    found.set(type, payload.subarray(at + attributeHeaderBytes, at + length));
    at += aligned(length);
  }
  return found;
}

/** Attributes inside an attribute; none where it is absent. */
export const attributesOf = (nested: Uint8Array | undefined): ReadonlyMap<number, Uint8Array> =>
  decodeAttributes(nested ?? new Uint8Array(), 0);

/** A text without its closing zero; undefined where the attribute is absent. */
export const textOf = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value).replace(/\0.*$/s, "");
