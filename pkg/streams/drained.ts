import type { Writable } from "node:stream";

/** One wait a stream, however many wait: a port-forward has hundreds of writers on one socket. */
const waiting = new WeakMap<Writable, Promise<void>>();

/** Resolves when the stream has taken what was written, or has closed and never will. */
export function drained(stream: Writable): Promise<void> {
  const known = waiting.get(stream);
  if (known !== undefined) return known;
  const wait = new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      // At once: who writes in answer to this may fill the stream again.
      waiting.delete(stream);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
  waiting.set(stream, wait);
  return wait;
}
