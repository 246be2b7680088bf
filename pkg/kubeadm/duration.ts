const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };

/** Go's durations ("24h0m0s", "90m", "0"), in milliseconds. Throws on anything else. */
export function parseDuration(text: string): number {
  if (text === "0") return 0;
  const parts = [...text.matchAll(/(\d+)(ms|h|m|s)/g)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join("") !== text) {
    throw new Error(`${JSON.stringify(text)} is no duration: say 24h, 90m or 0`);
  }
  return parts.reduce(
    (sum, [, count = "", unit = ""]) => sum + Number(count) * (unitMs[unit] ?? 0),
    0,
  );
}

/** "23h", "59m": what is left of a time, in its largest unit; "<invalid>" when it is over. */
export function shortDuration(ms: number): string {
  if (ms < 0) return "<invalid>";
  if (ms >= 2 * 86_400_000) return `${Math.floor(ms / 86_400_000)}d`;
  if (ms >= 2 * 3_600_000) return `${Math.floor(ms / 3_600_000)}h`;
  if (ms >= 2 * 60_000) return `${Math.floor(ms / 60_000)}m`;
  return `${Math.floor(ms / 1_000)}s`;
}
