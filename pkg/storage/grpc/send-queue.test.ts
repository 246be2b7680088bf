import { beforeEach, describe, expect, it } from "vitest";
import { type Frame, FrameReader } from "./frames.ts";
import { SendQueue } from "./send-queue.ts";

describe("what is sent", () => {
  let sent: string[];
  let queue: SendQueue;

  beforeEach(() => {
    sent = [];
    const reader = new FrameReader();
    const line = ({ stream, payload, flags }: Frame): void =>
      void sent.push(`${stream}: ${payload.length}${flags === 1 ? " end" : ""}`);
    queue = new SendQueue((piece) => reader.read(Buffer.from(piece), line));
    for (const stream of [1, 3]) queue.open(stream);
  });
  const push = (stream: number, length: number): void =>
    queue.push(stream, Buffer.alloc(2), Buffer.alloc(length - 2), true);

  it("is cut into the peer's frames", () => {
    push(1, 40_000);
    expect(sent).toEqual(["1: 16384", "1: 16384", "1: 7232 end"]);
  });

  it("waits for its stream's window, while other streams go on", () => {
    queue.setInitialWindow(10);
    push(1, 25);
    expect(sent).toEqual(["1: 10"]);
    queue.widen(1, 5);
    queue.widen(3, 100);
    expect(sent).toEqual(["1: 10", "1: 5"]);
    push(3, 20);
    queue.widen(1, 100);
    expect(sent).toEqual(["1: 10", "1: 5", "3: 20 end", "1: 10 end"]);
  });

  it("waits for the connection's window, in the order in which it came", () => {
    queue.widen(1, 100_000);
    push(1, 65_535 + 10);
    push(3, 5);
    expect(sent.slice(4)).toEqual([]);
    queue.widen(0, 12);
    queue.widen(0, 100);
    expect(sent.slice(4)).toEqual(["1: 10 end", "3: 2", "3: 3 end"]);
  });

  it("is dropped with its stream", () => {
    queue.setInitialWindow(10);
    push(1, 25);
    queue.close(1);
    queue.widen(1, 100);
    push(3, 5);
    expect(sent).toEqual(["1: 10", "3: 5 end"]);
  });

  it("may find a window below zero, and waits until it is above", () => {
    queue.setInitialWindow(10);
    push(1, 12);
    queue.setInitialWindow(2);
    queue.widen(1, 8);
    expect(sent).toEqual(["1: 10"]);
    queue.widen(1, 2);
    expect(sent).toEqual(["1: 10", "1: 2 end"]);
  });

  it("trusts no window beyond HTTP/2's", () => {
    expect(() => queue.widen(0, 2 ** 31 - 1)).toThrow("window");
  });
});
