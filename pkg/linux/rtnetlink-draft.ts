/**
 * What every request to the kernel's network is made of: a message type, flags, a family header
 * and attributes (rtnetlink(7)). Pure.
 */
import type { Attribute } from "./netlink-message.ts";

/** A message without its sequence number. */
export interface Draft {
  readonly type: number;
  readonly flags: number;
  readonly header: Uint8Array;
  readonly attributes: readonly Attribute[];
}

export const messageType = {
  error: 2,
  done: 3,
  newLink: 16,
  deleteLink: 17,
  getLink: 18,
  setLink: 19,
  newAddress: 20,
  getAddress: 22,
  newRoute: 24,
  deleteRoute: 25,
  getRoute: 26,
  newNeighbour: 28,
  deleteNeighbour: 29,
  getNeighbour: 30,
} as const;

export const flag = {
  request: 1,
  ack: 4,
  replace: 0x100,
  exclusive: 0x200,
  dump: 0x300,
  create: 0x400,
} as const;

export const afInet = 2;
export const afBridge = 7;

export const attribute = (type: number, value: Uint8Array | readonly Attribute[]): Attribute => ({
  type,
  value,
});

/** An attribute that is there or not. */
export const optional = <Value>(
  type: number,
  value: Value | undefined,
  encode: (value: Value) => Uint8Array,
): readonly Attribute[] => (value === undefined ? [] : [attribute(type, encode(value))]);

export interface Prefix {
  readonly address: string;
  readonly prefixBits: number;
}
