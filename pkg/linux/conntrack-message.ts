/**
 * Connection tracking over netlink (nfnetlink_conntrack.h), as far as a proxy needs it: which flows
 * there are, and the end of one. Pure. Addresses and ports are told as they are on the wire.
 */
import {
  attributesOf,
  decodeAttributes,
  encodeMessage,
  ipv4,
  u16BigEndian,
  u8,
} from "./netlink-message.ts";
import type { Attribute } from "./netlink-message.ts";

/** One direction of a flow. */
export interface FlowTuple {
  readonly sourceIp: string;
  readonly sourcePort: number;
  readonly destinationIp: string;
  readonly destinationPort: number;
}

/** A UDP flow over IPv4: as its first packet was sent, and as answers to it come. */
export interface Flow {
  readonly original: FlowTuple;
  readonly reply: FlowTuple;
}

const subsystem = 1 << 8;
export const conntrackType = {
  new: subsystem | 0,
  get: subsystem | 1,
  delete: subsystem | 2,
} as const;
const flag = { request: 0x1, ack: 0x4, dump: 0x300 } as const;

const attribute = { original: 1, reply: 2, filter: 25 } as const;
const tuple = { ip: 1, protocol: 2 } as const;
const ip = { source: 1, destination: 2 } as const;
const protocol = { number: 1, sourcePort: 2, destinationPort: 3 } as const;
const filter = { original: 1, reply: 2 } as const;
/** Compare the number of the protocol, and nothing else. */
const onlyProtocolNumber = 1 << 3;

const udp = 17;
/** struct nfgenmsg: IPv4, version 0, no resource. */
const header = Uint8Array.of(2, 0, 0, 0);
const headerBytes = header.length;

const flagsBytes = (value: number): Uint8Array => Uint8Array.of(value, 0, 0, 0);
const udpOnly: Attribute = {
  type: tuple.protocol,
  value: [{ type: protocol.number, value: u8(udp) }],
};

/** All UDP flows. A kernel before 5.8 knows no filter and lists those of other protocols too. */
export const listFlows = (sequence: number): Uint8Array =>
  encodeMessage({
    type: conntrackType.get,
    flags: flag.request | flag.dump,
    sequence,
    header,
    attributes: [
      { type: attribute.original, value: [{ type: tuple.ip, value: [] }, udpOnly] },
      {
        type: attribute.filter,
        value: [
          { type: filter.original, value: flagsBytes(onlyProtocolNumber) },
          { type: filter.reply, value: flagsBytes(0) },
        ],
      },
    ],
  });

/** The end of a flow: its next packet begins another. */
export const deleteFlow = ({ original }: Flow, sequence: number): Uint8Array =>
  encodeMessage({
    type: conntrackType.delete,
    flags: flag.request | flag.ack,
    sequence,
    header,
    attributes: [
      {
        type: attribute.original,
        value: [
          {
            type: tuple.ip,
            value: [
              { type: ip.source, value: ipv4(original.sourceIp) },
              { type: ip.destination, value: ipv4(original.destinationIp) },
            ],
          },
          {
            type: tuple.protocol,
            value: [
              { type: protocol.number, value: u8(udp) },
              { type: protocol.sourcePort, value: u16BigEndian(original.sourcePort) },
              { type: protocol.destinationPort, value: u16BigEndian(original.destinationPort) },
            ],
          },
        ],
      },
    ],
  });

/** Undefined where it is not UDP over IPv4. */
export function flowOf(payload: Uint8Array): Flow | undefined {
  const attributes = decodeAttributes(payload, headerBytes);
  const original = tupleOf(attributes.get(attribute.original));
  const reply = tupleOf(attributes.get(attribute.reply));
  return original === undefined || reply === undefined ? undefined : { original, reply };
}

function tupleOf(nested: Uint8Array | undefined): FlowTuple | undefined {
  const parts = attributesOf(nested);
  const ports = attributesOf(parts.get(tuple.protocol));
  const addresses = attributesOf(parts.get(tuple.ip));
  const source = addresses.get(ip.source);
  const destination = addresses.get(ip.destination);
  if (ports.get(protocol.number)?.[0] !== udp) return undefined;
  if (source?.length !== 4 || destination?.length !== 4) return undefined;
  return {
    sourceIp: source.join("."),
    sourcePort: portOf(ports.get(protocol.sourcePort)),
    destinationIp: destination.join("."),
    destinationPort: portOf(ports.get(protocol.destinationPort)),
  };
}

const portOf = (bytes: Uint8Array | undefined): number =>
  ((bytes?.[0] ?? 0) << 8) | (bytes?.[1] ?? 0);
