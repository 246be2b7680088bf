/**
 * Lines of container logs as the CRI lays them down:
 * `2026-01-02T03:04:05.123456789Z stdout F text`, where the tag P marks a piece of a long line.
 */
export interface LogLine {
  /** As written: RFC 3339 with nanoseconds. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** A piece of a line: the next one of this stream goes on without a newline. */
  readonly partial: boolean;
  /** Without the newline. */
  readonly text: Uint8Array;
}

const space = 0x20;
const decoder = new TextDecoder();

/** Undefined for what is no CRI line: a line half written at a crash is skipped, not shown. */
export function parseLogLine(line: Uint8Array): LogLine | undefined {
  const timeEnd = line.indexOf(space);
  const streamEnd = line.indexOf(space, timeEnd + 1);
  const tagEnd = line.indexOf(space, streamEnd + 1);
  if (timeEnd <= 0 || streamEnd === -1 || tagEnd === -1) return undefined;
  const stream = decoder.decode(line.subarray(timeEnd + 1, streamEnd));
  if (stream !== "stdout" && stream !== "stderr") return undefined;
  const tags = decoder.decode(line.subarray(streamEnd + 1, tagEnd)).split(":");
  return {
    time: decoder.decode(line.subarray(0, timeEnd)),
    stream,
    partial: tags.includes("P"),
    text: line.subarray(tagEnd + 1),
  };
}

export interface LogView {
  /** Lines before this are left out: milliseconds since the epoch. */
  readonly sinceMs?: number;
  readonly timestamps: boolean;
  /** Absent: both. */
  readonly stream?: "stdout" | "stderr";
}

const newline = Uint8Array.of(0x0a);
const encoder = new TextEncoder();

/** What a reader is shown of one line: nothing, or its bytes with prefix and newline. */
export function showLogLine(line: LogLine, view: LogView): readonly Uint8Array[] {
  if (view.stream !== undefined && view.stream !== line.stream) return [];
  if (view.sinceMs !== undefined && Date.parse(line.time) < view.sinceMs) return [];
  return [
    ...(view.timestamps ? [encoder.encode(`${line.time} `)] : []),
    line.text,
    ...(line.partial ? [] : [newline]),
  ];
}
