/** Which images go when the disk fills: those unused for longest, until enough is free. Pure. */
export interface KnownImage {
  readonly id: string;
  readonly bytes: number;
  readonly pinned: boolean;
  /** When it was last seen in use; when first seen, for those never used. */
  readonly usedAtMs: number;
  readonly inUse: boolean;
}

export const imageGcThresholds = {
  /** Nothing is removed while less of the disk than this is used … */
  highShare: 0.85,
  /** … and then as much as brings it down to this. */
  lowShare: 0.8,
  /** A freshly pulled image may be waiting for its container. */
  ageMsMin: 120_000,
} as const;

export function planImageGc(
  images: readonly KnownImage[],
  disk: { readonly bytes: number; readonly availableBytes: number },
  nowMs: number,
): readonly string[] {
  const usedBytes = disk.bytes - disk.availableBytes;
  if (usedBytes < disk.bytes * imageGcThresholds.highShare) return [];
  let missing = usedBytes - disk.bytes * imageGcThresholds.lowShare;
  const candidates = images
    .filter(({ inUse, pinned }) => !inUse && !pinned)
    .filter(({ usedAtMs }) => nowMs - usedAtMs >= imageGcThresholds.ageMsMin)
    .toSorted((a, b) => a.usedAtMs - b.usedAtMs);
  const doomed: string[] = [];
  for (const { id, bytes } of candidates) {
    if (missing <= 0) break;
    doomed.push(id);
    missing -= bytes;
  }
  return doomed;
}
