/**
 * CRI's log format: time, stream, tag, content, a line each. "F" ends a line, "P" is a part of
 * one. What has come is written at once, a line without its end as a part, so that a supervisor
 * that dies has nothing in its memory that the log lacks.
 */
export type LogStream = "stdout" | "stderr";

/** Longer lines are cut into parts: what kubelet's readers expect of a runtime. */
export const logLineBytesMax = 16 * 1024;
const newline = 0x0a;

/** Pure: bytes as they came, at one instant, to lines of the log. */
export function logLines(
  stream: LogStream,
  chunk: Uint8Array,
  atMs: number,
): readonly Uint8Array[] {
  const head = `${new Date(atMs).toISOString().slice(0, 23)}000000Z ${stream} `;
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < chunk.length;) {
    const end = chunk.indexOf(newline, at);
    const lineEnd = end < 0 ? chunk.length : end;
    const cut = Math.min(lineEnd, at + logLineBytesMax);
    const isFull = cut === end;
    pieces.push(encoder.encode(`${head}${isFull ? "F" : "P"} `), chunk.subarray(at, cut), lineFeed);
    at = isFull ? cut + 1 : cut;
  }
  return pieces;
}

const encoder = new TextEncoder();
const lineFeed = new Uint8Array([newline]);
