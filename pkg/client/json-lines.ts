/**
 * Cuts a stream of bytes into lines, as a watch sends its events: one JSON document a line. A last
 * line without its end is dropped: the connection broke within it.
 */
export async function* jsonLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown> {
  const decoder = new TextDecoder();
  let pending = "";
  for await (const piece of body) {
    const text = decoder.decode(piece, { stream: true });
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      const line = pending + text.slice(start, end);
      pending = "";
      start = end + 1;
      if (line.trim() !== "") yield JSON.parse(line) as unknown;
    }
    pending += text.slice(start);
  }
}
