/** How benchmarks say what they saw: medians and p99 of runs, never one number alone. */
export interface Row {
  readonly what: string;
  readonly value: string;
}

const quantile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

/** Of an even count the upper one. */
export const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** "p50 12.3 ms, p99 45.6 ms (n = 30)" */
export function summary(valuesMs: readonly number[]): Pick<Row, "value"> {
  const sorted = valuesMs.toSorted((a, b) => a - b);
  const text = (share: number): string => quantile(sorted, share).toFixed(1);
  return { value: `p50 ${text(0.5)} ms, p99 ${text(0.99)} ms (n = ${sorted.length})` };
}

export function printTable(title: string, rows: readonly Row[]): void {
  const width = rows.reduce((most, { what }) => Math.max(most, what.length), 0);
  console.log(`\n${title}`);
  for (const { what, value } of rows) console.log(`  ${what.padEnd(width)}  ${value}`);
}
