/** IPv4 addresses as numbers, and ranges in CIDR form: what rooms need that give addresses out. */

const part = /^(0|[1-9]\d{0,2})$/;

/** Undefined for anything but four decimal numbers below 256, without leading zeros. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split(".");
  const isAddress = parts.length === 4 && parts.every((one) => part.test(one) && Number(one) < 256);
  return isAddress ? parts.reduce((sum, one) => sum * 256 + Number(one), 0) : undefined;
}

export const formatIpv4 = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");

export interface Ipv4Range {
  /** The network's own address, without host bits. */
  readonly base: number;
  /** How many addresses there are, the network's and the broadcast address among them. */
  readonly size: number;
  /** 24 of 10.0.0.0/24. */
  readonly prefixBits: number;
}

/** 10.0.0.7/24 is 10.0.0.0/24. Undefined for what is no IPv4 CIDR. */
export function parseIpv4Range(cidr: string): Ipv4Range | undefined {
  const [address = "", bits = "", ...more] = cidr.split("/");
  const value = parseIpv4(address);
  const prefixBits = Number(bits);
  if (value === undefined || more.length > 0 || !/^\d{1,2}$/.test(bits) || prefixBits > 32)
    return undefined;
  const size = 2 ** (32 - prefixBits);
  return { base: value - (value % size), size, prefixBits };
}
