import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import {
  connectionPreface,
  type Frame,
  frameFlags,
  frameOf,
  FrameReader,
  frameTypes,
  resetFrame,
  settings,
  settingsFrame,
  windowUpdateFrame,
} from "./frames.ts";
import type { GrpcError } from "./grpc-status.ts";
import { type Header, HeaderEncoder } from "./hpack.ts";
import { GrpcSession } from "./session.ts";

const { endHeaders, endStream, padded } = frameFlags;
const callHeaders: readonly Header[] = [[":path", "/test.Service/Method"]];
const bytes = (text: string): Buffer => Buffer.from(text);
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const message = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0, 0, 0, 0, text.length]), bytes(text)]);
const goAway = (last: number): Buffer => {
  const payload = Buffer.alloc(8);
  payload.writeUInt32BE(last);
  return frameOf(frameTypes.goAway, 0, 0, payload);
};

/** The other end of a session, byte by byte: it says what no well-behaved server would. */
class Peer {
  readonly session: GrpcSession;
  readonly frames: Frame[] = [];
  readonly #reader = new FrameReader();
  readonly #encoder = new HeaderEncoder();
  readonly #socket: Duplex;
  #preface = connectionPreface.length;

  constructor() {
    this.#socket = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, done) => {
        const rest = chunk.subarray(Math.min(this.#preface, chunk.length));
        this.#preface -= chunk.length - rest.length;
        this.#reader.read(rest, (frame) => this.frames.push(frame));
        done();
      },
    });
    const onClose = (): void => undefined;
    this.session = new GrpcSession({ socket: this.#socket, messageBytesMax: 1e6, onClose });
  }

  /** Resolves when what it caused has been written. */
  async says(...frames: Buffer[]): Promise<void> {
    for (const frame of frames) this.#socket.push(frame);
    await turn();
    await turn();
  }

  headers(stream: number, flags: number, headers: readonly Header[]): Buffer {
    return frameOf(frameTypes.headers, flags | endHeaders, stream, this.#encoder.encode(headers));
  }

  trailers(stream: number, status = "0"): Buffer {
    return this.headers(stream, endStream, [["grpc-status", status]]);
  }

  answer(stream: number, text: string): Buffer[] {
    const data = frameOf(frameTypes.data, 0, stream, message(text));
    return [this.headers(stream, 0, [[":status", "200"]]), data, this.trailers(stream)];
  }

  /** Bytes of DATA that came on the stream. */
  received(stream: number): number {
    const own = this.frames.filter((one) => one.type === frameTypes.data && one.stream === stream);
    return own.reduce((sum, { payload }) => sum + payload.length, 0);
  }

  call(body: string): {
    readonly cancel: (error: GrpcError) => void;
    readonly end: Promise<unknown>;
  } {
    const ended = Promise.withResolvers<unknown>();
    let answer = "";
    const stream = this.session.open(callHeaders, {
      onMessage: (part) => (answer += Buffer.from(part).toString()),
      onEnd: (error) => ended.resolve(error ?? answer),
    });
    stream.send(bytes(body), true);
    return { cancel: (error) => stream.fail(error), end: ended.promise };
  }
}

describe("a session", () => {
  it("does not hold up a call behind another whose stream's window is used up", async () => {
    const peer = new Peer();
    await peer.says(
      settingsFrame([[settings.initialWindowSize, 100]]),
      windowUpdateFrame(0, 10_000),
    );
    peer.call("x".repeat(1_000));
    peer.call("small");
    await turn();
    expect(peer.received(1)).toBe(100);
    expect(peer.received(3)).toBe("small".length + 5);
  });

  it("keeps the order where the connection's window is what lacks", async () => {
    const peer = new Peer();
    await peer.says(settingsFrame([[settings.initialWindowSize, 1_000_000]]));
    peer.call("x".repeat(70_000));
    peer.call("small");
    await turn();
    expect([peer.received(1), peer.received(3)]).toEqual([65_535, 0]);
    await peer.says(windowUpdateFrame(0, 70_005 - 65_535));
    expect([peer.received(1), peer.received(3)]).toEqual([70_005, 0]);
    await peer.says(windowUpdateFrame(0, 10));
    expect(peer.received(3)).toBe(10);
  });

  it("waits out windows that SETTINGS have made negative", async () => {
    const peer = new Peer();
    const { end } = peer.call("x".repeat(50_000));
    await turn();
    peer.call("y");
    await peer.says(settingsFrame([[settings.initialWindowSize, 0]]));
    expect(peer.received(1)).toBe(50_005);
    peer.call("late");
    await turn();
    expect(peer.received(5)).toBe(0);
    await peer.says(settingsFrame([[settings.initialWindowSize, 4]]));
    expect(peer.received(5)).toBe(4);
    await peer.says(windowUpdateFrame(5, 100), ...peer.answer(1, "done"));
    expect(peer.received(5)).toBe(9);
    expect(await end).toBe("done");
  });

  it("takes interim answers, padding, and headers in parts for what they are", async () => {
    const peer = new Peer();
    const { end } = peer.call("x");
    const block = new HeaderEncoder().encode([[":status", "200"]]);
    const body = message("done");
    await peer.says(
      peer.headers(1, 0, [[":status", "103"]]),
      frameOf(
        frameTypes.headers,
        padded,
        1,
        Buffer.concat([Buffer.from([3]), block, Buffer.alloc(3)]),
      ),
      frameOf(frameTypes.continuation, 0, 1, Buffer.alloc(0)),
      frameOf(frameTypes.continuation, endHeaders, 1, Buffer.alloc(0)),
      frameOf(frameTypes.data, padded, 1, Buffer.concat([Buffer.from([9]), body, Buffer.alloc(9)])),
      peer.trailers(1),
    );
    expect(await end).toBe("done");
  });

  it("does not collect a header block that never ends", async () => {
    const peer = new Peer();
    const { end } = peer.call("x");
    const part = frameOf(frameTypes.continuation, 0, 1, Buffer.alloc(0));
    const begin = frameOf(frameTypes.headers, 0, 1, Buffer.alloc(0));
    await peer.says(begin, Buffer.concat(Array.from({ length: 1_000 }, () => part)));
    expect(await end).toMatchObject({ code: 14 });
  });

  it("understands what comes in pieces of one byte", async () => {
    const peer = new Peer();
    const { end } = peer.call("x");
    const whole = Buffer.concat(peer.answer(1, "done"));
    await peer.says(...Array.from(whole, (byte) => Buffer.from([byte])));
    expect(await end).toBe("done");
  });

  it("ends all calls when it hears no HTTP/2", async () => {
    const peer = new Peer();
    const calls = [peer.call("a"), peer.call("b")];
    await turn();
    await peer.says(bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
    for (const { end } of calls) expect(await end).toMatchObject({ code: 14 });
    expect(peer.session.isClosing).toBe(true);
  });

  it("says of a call whether the server may have done it", async () => {
    const peer = new Peer();
    await peer.says(settingsFrame([[settings.maxConcurrentStreams, 4]]));
    const calls = Array.from({ length: 5 }, (_, index) => peer.call(String(index)));
    await turn();
    await peer.says(
      resetFrame(1, 2), // INTERNAL_ERROR
      resetFrame(3, 7), // REFUSED_STREAM: not looked at
    );
    await peer.says(goAway(5));
    expect(await calls[3]?.end).toMatchObject({ code: 14, isUnprocessed: true });
    await peer.says(...peer.answer(5, "done"));
    expect(await Promise.all(calls.map(({ end }) => end))).toMatchObject([
      { code: 14, isUnprocessed: false },
      { code: 14, isUnprocessed: true },
      "done",
      { code: 14, isUnprocessed: true },
      { code: 14, isUnprocessed: true },
    ]);
  });
});
