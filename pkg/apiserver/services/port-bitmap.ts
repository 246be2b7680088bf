/**
 * Which node ports are taken: upstream's RangeAllocation, whose data is a big-endian number with
 * one bit a port. Pure.
 */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** "30000-32767". Throws on anything else: a mistake in the server's flags. */
export function parsePortRange(text: string): PortRange {
  const [, first = "", last = ""] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  const range = { first: Number(first), last: Number(last) };
  if (first === "" || range.first < 1 || range.last > 65_535 || range.first > range.last) {
    throw new Error(`node port range ${JSON.stringify(text)}: FIRST-LAST is needed`);
  }
  return range;
}

export const formatPortRange = ({ first, last }: PortRange): string => `${first}-${last}`;

export function portsFromBitmap(data: Uint8Array, range: PortRange): Set<number> {
  const ports = new Set<number>();
  for (let port = range.first; port <= range.last; port++) {
    const bit = port - range.first;
    const byte = data[data.length - 1 - (bit >>> 3)] ?? 0;
    if ((byte & (1 << (bit & 7))) !== 0) ports.add(port);
  }
  return ports;
}

export function bitmapOfPorts(ports: Iterable<number>, range: PortRange): Uint8Array {
  const data = new Uint8Array((range.last - range.first) / 8 + 1);
  for (const port of ports) {
    if (port < range.first || port > range.last) continue;
    const bit = port - range.first;
    const at = data.length - 1 - (bit >>> 3);
    data[at] = (data[at] ?? 0) | (1 << (bit & 7));
  }
  return data;
}

/** Ports below it are left to those who ask for one by number (KEP-3668). */
export function dynamicPortsFrom({ first, last }: PortRange): number {
  const size = last - first + 1;
  return size <= 16 ? first : first + Math.min(Math.max(16, Math.floor(size / 32)), 128);
}
