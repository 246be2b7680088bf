export interface TerminalSize {
  readonly width: number;
  readonly height: number;
}

/** A line of JSON is some sixty bytes. */
const lineBytesMax = 1024;

/**
 * The sizes that a client reports: JSON objects {"Width":80,"Height":24}, one behind another, cut
 * anywhere. What is no size is passed over: a terminal of the old size is better than none.
 */
export async function* terminalSizes(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<TerminalSize> {
  let held = "";
  for await (const piece of pieces) {
    held += Buffer.from(piece).toString("latin1");
    for (let end = held.indexOf("}"); end >= 0; end = held.indexOf("}")) {
      const size = parseSize(held.slice(0, end + 1));
      held = held.slice(end + 1);
      if (size !== undefined) yield size;
    }
    if (held.length > lineBytesMax) held = "";
  }
}

function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    const isSize = (value: unknown): value is number =>
      Number.isInteger(value) && Number(value) > 0 && Number(value) < 65_536;
    return isSize(Width) && isSize(Height) ? { width: Width, height: Height } : undefined;
  } catch {
    return undefined;
  }
}
