/** Maps of sparse members: which parts of a file its archived bytes are. Pure. */
import { TarError, tarNumber } from "./tar-header.ts";
import { paxNumber, paxText, type PaxRecords } from "./tar-pax.ts";

export interface Segment {
  /** Where in the file. */
  readonly offset: number;
  readonly size: number;
}

/** More pieces than this is an attack or an accident. */
export const sparseSegmentsMax = 1_000_000;

/** Checks order, overlap and bounds. */
export function checkSegments(segments: readonly Segment[], fileBytes: number): readonly Segment[] {
  let end = 0;
  for (const { offset, size } of segments) {
    if (offset < end || size < 0 || offset + size > fileBytes) {
      throw new TarError("bad sparse map");
    }
    end = offset + size;
  }
  return segments;
}

/** `count` pairs of 12-byte numbers, as in old GNU headers; zero pairs are unused. */
export function gnuSegments(block: Uint8Array, start: number, count: number): readonly Segment[] {
  const segments: Segment[] = [];
  for (let index = 0; index < count; index++) {
    const at = start + index * 24;
    if (block[at] === 0) break;
    segments.push({ offset: tarNumber(block, at, 12), size: tarNumber(block, at + 12, 12) });
  }
  return segments;
}

export type PaxSparse =
  /** Version 0.1: the map stands in the header. */
  | { readonly map: "header"; readonly segments: readonly Segment[] }
  /** Version 1.0: the map is text in front of the content. */
  | { readonly map: "content" };

/**
 * Version 0.0 repeats keys, which a map of records cannot hold; no tool has written it since 2005.
 */
export function paxSparse(records: PaxRecords): PaxSparse | undefined {
  const map = paxText(records, "GNU.sparse.map");
  if (map !== undefined) return { map: "header", segments: pairs(map.split(",").map(Number)) };
  if (paxText(records, "GNU.sparse.major") === "1") return { map: "content" };
  if (paxNumber(records, "GNU.sparse.numblocks") !== undefined) {
    throw new TarError("pax sparse format 0.0 is not supported");
  }
  return undefined;
}

export function pairs(numbers: readonly number[]): readonly Segment[] {
  if (numbers.length % 2 !== 0 || numbers.length / 2 > sparseSegmentsMax) {
    throw new TarError("bad sparse map");
  }
  if (!numbers.every((number) => Number.isSafeInteger(number) && number >= 0)) {
    throw new TarError("bad number in sparse map");
  }
  return Array.from({ length: numbers.length / 2 }, (_, index) => ({
    offset: numbers[index * 2] ?? 0,
    size: numbers[index * 2 + 1] ?? 0,
  }));
}
