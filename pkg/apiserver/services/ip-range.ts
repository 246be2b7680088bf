/** The addresses of Services: an IPv4 range in CIDR form, by offset. Pure. */

export interface IpRange {
  /** Of the network's own address, which is never given away. */
  readonly base: number;
  /** How many addresses there are, the network's and the broadcast address among them. */
  readonly size: number;
}

const toNumber = (address: string): number | undefined => {
  const parts = address.split(".");
  const isAddress = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part));
  if (!isAddress || parts.some((part) => Number(part) > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
};

/** Throws on anything but an IPv4 network: a mistake in the server's flags. */
export function parseIpRange(cidr: string): IpRange {
  const [address = "", bits = ""] = cidr.split("/");
  const base = toNumber(address);
  const length = Number(bits);
  if (base === undefined || !/^\d+$/.test(bits) || length > 30 || length < 8) {
    const given = JSON.stringify(cidr);
    throw new Error(`service range ${given}: an IPv4 network from /8 to /30 is needed`);
  }
  const size = 2 ** (32 - length);
  return { base: base - (base % size), size };
}

export const addressAt = ({ base }: IpRange, offset: number): string => {
  const value = base + offset;
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
};

/** Undefined: outside the range, or one of its two ends. */
export function offsetOf({ base, size }: IpRange, address: string): number | undefined {
  const value = toNumber(address);
  if (value === undefined) return undefined;
  const offset = value - base;
  return offset > 0 && offset < size - 1 ? offset : undefined;
}

/** Offsets below it are left to those who ask for an address by name (KEP-3070). */
export const dynamicFrom = ({ size }: IpRange): number =>
  size <= 16 ? 1 : Math.min(Math.max(16, Math.floor(size / 16)), 256);
