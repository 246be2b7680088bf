/** The addresses of Services: an IPv4 range in CIDR form, by offset. Pure. */
import { formatIpv4, parseIpv4, parseIpv4Range, type Ipv4Range } from "../../base/ipv4.ts";

export type IpRange = Pick<Ipv4Range, "base" | "size">;

/** Throws on anything but an IPv4 network: a mistake in the server's flags. */
export function parseIpRange(cidr: string): IpRange {
  const range = parseIpv4Range(cidr);
  if (range === undefined || range.prefixBits > 30 || range.prefixBits < 8) {
    const given = JSON.stringify(cidr);
    throw new Error(`service range ${given}: an IPv4 network from /8 to /30 is needed`);
  }
  return range;
}

export const addressAt = ({ base }: IpRange, offset: number): string => formatIpv4(base + offset);

/** Undefined: outside the range, or one of its two ends. */
export function offsetOf({ base, size }: IpRange, address: string): number | undefined {
  const value = parseIpv4(address);
  if (value === undefined) return undefined;
  const offset = value - base;
  return offset > 0 && offset < size - 1 ? offset : undefined;
}

/** Offsets below it are left to those who ask for an address by name (KEP-3070). */
export const dynamicFrom = ({ size }: IpRange): number =>
  size <= 16 ? 1 : Math.min(Math.max(16, Math.floor(size / 16)), 256);
