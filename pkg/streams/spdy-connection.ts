/**
 * Many byte streams over one connection, as exec and port-forward have them: SPDY/3.1, either side.
 * This room never says what a stream is for, nor who may open one.
 */
import type { Duplex } from "node:stream";
import { ByteQueue } from "../base/byte-queue.ts";
import { drained } from "./drained.ts";
import {
  dataHead,
  encodePing,
  encodeRstStream,
  encodeSynReply,
  encodeSynStream,
  FrameParser,
  frameLimits,
  rstStatus,
  type Frame,
} from "./spdy-frames.ts";
import { HeaderReader, HeaderWriter, type SpdyHeaders } from "./spdy-headers.ts";

export const spdyLimits = {
  /** Bytes of one stream that wait for their reader before the connection stops reading. */
  streamBytesMax: 256 * 1024,
  /** exec needs five; a port-forward two for each of its connections. */
  streamsMax: 1000,
} as const;

/** One stream of a connection, whichever side opened it. */
export interface SpdyStream {
  readonly id: number;
  readonly headers: SpdyHeaders;
  /** What the other side sends; ends when it half-closes, resets, or goes away. */
  readonly received: AsyncIterable<Uint8Array>;
  /** Resolves when the socket took the bytes. Bytes for a stream that is closed are dropped. */
  write(data: Uint8Array): Promise<void>;
  /** Half-closes our side. */
  end(): void;
  /** Ends both sides at once. */
  reset(): void;
}

/**
 * One side of SPDY/3.1: the one that accepts streams where it is told what to do with them, else
 * the one that opens them. There is no window to wait for: the clients of Kubernetes neither
 * send WINDOW_UPDATE nor honour it, so that TCP's own back-pressure holds both directions.
 */
export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #onStream: ((stream: SpdyStream) => void) | undefined;
  readonly #streams = new Map<number, Stream>();
  readonly #writer = new HeaderWriter();
  readonly #closed = new AbortController();
  /** Of those that the other side opened, or of ours: the opening side's ids are odd. */
  #lastStreamId: number;

  /** `onStream` hears of every stream in the order in which they are opened. */
  constructor(socket: Duplex, onStream?: (stream: SpdyStream) => void) {
    this.#socket = socket;
    this.#onStream = onStream;
    this.#lastStreamId = onStream === undefined ? -1 : 0;
    // Its end is told by `closed`; an error here has nobody else to hear it.
    socket.on("error", () => this.#close());
    socket.on("close", () => this.#close());
  }

  /** Aborts when the other side has gone away. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /**
   * Reads until the connection ends. Never rejects: what breaks the protocol ends the connection.
   */
  async serve(head: Uint8Array): Promise<void> {
    const parser = new FrameParser();
    const headers = new HeaderReader();
    try {
      for (const frame of parser.push(head)) await this.#accept(frame, headers);
      for await (const chunk of this.#socket as AsyncIterable<Uint8Array>) {
        for (const frame of parser.push(chunk)) await this.#accept(frame, headers);
      }
    } catch {
      this.#socket.destroy();
    } finally {
      headers.close();
      this.#close();
    }
  }

  /** Opens a stream; the other side may still refuse it, which ends it. */
  open(headers: SpdyHeaders): SpdyStream {
    this.#lastStreamId += 2;
    const streamId = this.#lastStreamId;
    const stream = new Stream(streamId, headers, this.#socket, () =>
      this.#streams.delete(streamId),
    );
    if (this.#closed.signal.aborted) stream.abandon();
    else {
      this.#streams.set(streamId, stream);
      this.#socket.write(encodeSynStream(streamId, this.#writer.write(headers)));
    }
    return stream;
  }

  /** Sends what is written, then ends the connection. */
  end(): void {
    this.#socket.end();
  }

  async #accept(frame: Frame, reader: HeaderReader): Promise<void> {
    switch (frame.is) {
      case "syn-stream":
        return this.#take(frame, await reader.read(frame.block));
      case "syn-reply":
      case "headers":
        // Read for its effect: every block of a connection continues the one before.
        await reader.read(frame.block);
        return;
      case "data":
        return this.#receive(frame);
      case "rst-stream":
        this.#streams.get(frame.streamId)?.abandon();
        this.#streams.delete(frame.streamId);
        return;
      case "ping":
        // The other side's questions; the rest would answer ours, and we ask none.
        if ((frame.id % 2 === 1) === (this.#onStream !== undefined))
          this.#socket.write(encodePing(frame.id));
        return;
      default:
        return;
    }
  }

  #take(frame: { readonly streamId: number; readonly fin: boolean }, headers: SpdyHeaders): void {
    const { streamId, fin } = frame;
    if (this.#onStream === undefined) {
      this.#socket.write(encodeRstStream(streamId, rstStatus.refusedStream));
      return;
    }
    if (streamId % 2 === 0 || streamId <= this.#lastStreamId) {
      this.#socket.write(encodeRstStream(streamId, rstStatus.protocolError));
      return;
    }
    this.#lastStreamId = streamId;
    if (this.#streams.size >= spdyLimits.streamsMax) {
      this.#socket.write(encodeRstStream(streamId, rstStatus.refusedStream));
      return;
    }
    const stream = new Stream(streamId, headers, this.#socket, () =>
      this.#streams.delete(streamId),
    );
    this.#streams.set(streamId, stream);
    if (fin) stream.endReceived();
    this.#socket.write(encodeSynReply(streamId, this.#writer.write({})));
    this.#onStream(stream);
  }

  async #receive(frame: {
    readonly streamId: number;
    readonly fin: boolean;
    readonly data: Uint8Array;
  }): Promise<void> {
    const stream = this.#streams.get(frame.streamId);
    if (stream === undefined) return;
    stream.received.push(frame.data);
    if (frame.fin) stream.endReceived();
    // Later frames of every stream wait too: one connection is one line.
    await stream.received.whenRoom();
  }

  #close(): void {
    for (const stream of this.#streams.values()) stream.abandon();
    this.#streams.clear();
    this.#closed.abort();
  }
}

class Stream implements SpdyStream {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly received = new ByteQueue(spdyLimits.streamBytesMax);
  readonly #socket: Duplex;
  readonly #forget: () => void;
  #isOpen = { here: true, there: true };

  constructor(id: number, headers: SpdyHeaders, socket: Duplex, forget: () => void) {
    this.id = id;
    this.headers = headers;
    this.#socket = socket;
    this.#forget = forget;
  }

  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += frameLimits.dataBytesMax) {
      if (!this.#isOpen.here || !this.#socket.writable) return;
      const piece = data.subarray(at, at + frameLimits.dataBytesMax);
      this.#socket.cork();
      this.#socket.write(dataHead(this.id, piece.length, false));
      const hasRoom = this.#socket.write(piece);
      this.#socket.uncork();
      if (!hasRoom) await drained(this.#socket);
    }
  }
  end(): void {
    if (!this.#isOpen.here) return;
    this.#isOpen.here = false;
    if (this.#socket.writable) this.#socket.write(dataHead(this.id, 0, true));
    this.#forgetWhenDone();
  }
  reset(): void {
    if (this.#socket.writable) this.#socket.write(encodeRstStream(this.id, rstStatus.cancel));
    this.abandon();
    this.#forget();
  }
  endReceived(): void {
    this.received.end();
    this.#isOpen.there = false;
    this.#forgetWhenDone();
  }
  /** The other side has given the stream up. */
  abandon(): void {
    this.#isOpen = { here: false, there: false };
    this.received.end();
  }
  #forgetWhenDone(): void {
    if (!this.#isOpen.here && !this.#isOpen.there) this.#forget();
  }
}
