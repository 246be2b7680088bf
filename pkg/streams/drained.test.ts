import { PassThrough } from "node:stream";
import { expect, it } from "vitest";
import { drained } from "./drained.ts";

/** A stream that is full until somebody reads it. */
const full = (): PassThrough => {
  const stream = new PassThrough({ highWaterMark: 1 });
  stream.write("more than one byte");
  return stream;
};

it("listens once, however many wait", async () => {
  const stream = full();
  const before = stream.listenerCount("close");
  const waits = Array.from({ length: 20 }, () => drained(stream));
  expect(stream.listenerCount("close")).toBe(before + 1);
  stream.resume();
  await Promise.all(waits);
  expect(stream.listenerCount("close")).toBe(before);
});

it("waits anew for what is written later", async () => {
  const stream = full();
  stream.resume();
  await drained(stream);
  stream.pause();
  stream.write("again more than one byte");
  let isDrained = false;
  const again = drained(stream).then(() => (isDrained = true));
  await Promise.resolve();
  expect(isDrained).toBe(false);
  stream.resume();
  await again;
});

it("ends its wait when the stream is broken", async () => {
  const stream = full();
  const wait = drained(stream);
  stream.destroy();
  await wait;
});
