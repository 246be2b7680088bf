/**
 * gRPC calls on one HTTP/2 connection, with what a client needs of RFC 9113 and no more: streams
 * that it opens itself, flow control, and an orderly end. What is written in one turn of the event
 * loop leaves in one piece. Never retries, never connects.
 */
import type { Duplex } from "node:stream";
import {
  connectionPreface,
  contentOf,
  type Frame,
  frameFlags,
  FrameError,
  frameOf,
  FrameReader,
  frameTypes,
  numberIn,
  parseSettings,
  resetFrame,
  settings,
  settingsFrame,
  windowBytesDefault,
  windowBytesMax,
  windowUpdateFrame,
} from "./frames.ts";
import { GrpcError, statusCodes } from "./grpc-status.ts";
import { type Header, HeaderDecoder, HeaderEncoder } from "./hpack.ts";
import { SendQueue } from "./send-queue.ts";
import { type CallHandler, GrpcStream, type StreamLink } from "./stream.ts";

const limits = {
  /** Ids are odd numbers of 31 bits, and are not used twice. */
  streamIdMax: 2 ** 31 - 1,
  /** What was received is given back to the peer's window in portions of so much. */
  windowPortionBytes: 2 ** 29,
  headerBlockBytesMax: 64 * 1024,
  headerBlockPartsMax: 64,
} as const;

export interface SessionOptions {
  /** Connected; with TLS, past the handshake. */
  readonly socket: Duplex;
  /** A message of more ends its call. */
  readonly messageBytesMax: number;
  /** Called once, when the socket is gone; all calls have been told. */
  readonly onClose: (error: GrpcError) => void;
}

const gone = (cause: unknown): GrpcError =>
  new GrpcError(statusCodes.unavailable, "the connection ended", { cause });

export class GrpcSession {
  readonly #options: SessionOptions;
  readonly #socket: Duplex;
  readonly #frames = new FrameReader();
  readonly #decoder = new HeaderDecoder();
  readonly #encoder = new HeaderEncoder();
  readonly #queue: SendQueue;
  readonly #streams = new Map<number, GrpcStream>();
  /** Opened when the peer allows more streams at once. */
  readonly #waiting = new Set<{
    readonly stream: GrpcStream;
    readonly headers: readonly Header[];
  }>();
  readonly #link: StreamLink;
  #nextId = 1;
  #streamsMax = Infinity;
  #isDraining = false;
  #closed: GrpcError | undefined;
  #received = 0;
  #failure: unknown;
  /** A header block in parts: its stream, and the flags of its first frame. */
  #block: { readonly stream: number; readonly flags: number; readonly parts: Buffer[] } | undefined;
  #out: Uint8Array[] = [];
  #onPong: (() => void) | undefined;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#queue = new SendQueue((frame) => this.#send(frame));
    this.#link = {
      queue: this.#queue,
      reset: (stream, code) => this.#reset(stream, code),
      reply: (frame) => this.#send(frame),
      ended: (stream) => this.#ended(stream),
    };
    this.#send(connectionPreface);
    this.#send(
      settingsFrame([
        [settings.enablePush, 0],
        [settings.initialWindowSize, windowBytesMax],
      ]),
    );
    this.#send(windowUpdateFrame(0, windowBytesMax - windowBytesDefault));
    options.socket.on("data", (chunk: Buffer) => this.#read(chunk));
    options.socket.on("error", (error) => (this.#failure ??= error));
    options.socket.on("end", () => options.socket.destroy());
    options.socket.on("close", () => this.#close(gone(this.#failure)));
  }

  /** No further call is taken: the peer is leaving, the ids are used up, or the socket is gone. */
  get isClosing(): boolean {
    return this.#isDraining || this.#closed !== undefined;
  }
  get callCount(): number {
    return this.#streams.size + this.#waiting.size;
  }

  /** `headers` is one of a few lists, told apart by identity. */
  open(headers: readonly Header[], handler: CallHandler): GrpcStream {
    const { messageBytesMax } = this.#options;
    const stream = new GrpcStream(this.#link, handler, messageBytesMax);
    if (this.isClosing) stream.fail(this.#closed ?? gone(undefined));
    else if (this.#streams.size < this.#streamsMax) this.#begin(stream, headers);
    else this.#waiting.add({ stream, headers });
    return stream;
  }

  /** Calls back when the peer has answered. */
  ping(onPong: () => void): void {
    this.#onPong = onPong;
    this.#send(frameOf(frameTypes.ping, 0, 0, Buffer.alloc(8)));
  }

  destroy(error: GrpcError): void {
    this.#close(error);
  }

  #begin(stream: GrpcStream, headers: readonly Header[]): void {
    const id = this.#nextId;
    this.#nextId += 2;
    if (this.#nextId > limits.streamIdMax) this.#isDraining = true;
    this.#streams.set(id, stream);
    const block = this.#encoder.encode(headers);
    this.#send(frameOf(frameTypes.headers, frameFlags.endHeaders, id, block));
    stream.begin(id);
  }

  #ended(stream: GrpcStream): void {
    if (stream.id !== 0) this.#streams.delete(stream.id);
    else for (const one of this.#waiting) if (one.stream === stream) this.#waiting.delete(one);
    this.#beginWaiting();
    if (this.#isDraining && this.callCount === 0) this.#close(gone(undefined));
  }

  #beginWaiting(): void {
    for (const one of this.#waiting) {
      if (this.#streams.size >= this.#streamsMax || this.isClosing) return;
      this.#waiting.delete(one);
      this.#begin(one.stream, one.headers);
    }
  }

  #reset(id: number, code: number): void {
    if (id !== 0) this.#send(resetFrame(id, code));
  }

  #send(bytes: Uint8Array): void {
    if (this.#closed !== undefined) return;
    // Behind the turn's input: many requests' frames leave in one write.
    if (this.#out.length === 0) setImmediate(() => this.#flush());
    this.#out.push(bytes);
  }

  #flush(): void {
    const out = this.#out;
    this.#out = [];
    const [first] = out;
    if (first === undefined || this.#closed !== undefined) return;
    this.#socket.write(out.length === 1 ? first : Buffer.concat(out));
  }

  #read(chunk: Buffer): void {
    try {
      this.#frames.read(chunk, (frame) => this.#take(frame));
    } catch (error) {
      this.#close(gone(error));
    }
  }

  #take(frame: Frame): void {
    if (this.#closed !== undefined) return;
    if (this.#block !== undefined && frame.type !== frameTypes.continuation)
      throw new FrameError("a header block was not finished");
    switch (frame.type) {
      case frameTypes.data:
        return this.#takeData(frame);
      case frameTypes.headers:
        this.#block = { stream: frame.stream, flags: frame.flags, parts: [] };
        return this.#takeBlock(frame, contentOf(frame));
      case frameTypes.continuation:
        return this.#takeBlock(frame, frame.payload);
      case frameTypes.rstStream:
        return this.#streams.get(frame.stream)?.wasReset(numberIn(frame));
      case frameTypes.settings:
        return this.#takeSettings(frame);
      case frameTypes.pushPromise:
        throw new FrameError("PUSH_PROMISE was not allowed");
      case frameTypes.ping:
        return this.#takePing(frame);
      case frameTypes.goAway:
        return this.#takeGoAway(frame);
      case frameTypes.windowUpdate:
        return this.#queue.widen(frame.stream, numberIn(frame));
      default: // PRIORITY, and what later versions may add
    }
  }

  #takeData(frame: Frame): void {
    this.#received += frame.payload.length;
    if (this.#received >= limits.windowPortionBytes) {
      this.#send(windowUpdateFrame(0, this.#received));
      this.#received = 0;
    }
    const isLast = (frame.flags & frameFlags.endStream) !== 0;
    const { length } = frame.payload;
    this.#streams.get(frame.stream)?.takeData(contentOf(frame), length, isLast);
  }

  #takeBlock({ flags, stream }: Frame, part: Buffer): void {
    const block = this.#block;
    if (block === undefined || block.stream !== stream)
      throw new FrameError("CONTINUATION of no header block");
    block.parts.push(part);
    if ((flags & frameFlags.endHeaders) === 0) {
      const bytes = block.parts.reduce((sum, { length }) => sum + length, 0);
      if (bytes > limits.headerBlockBytesMax || block.parts.length > limits.headerBlockPartsMax)
        throw new FrameError("a header block is too long");
      return;
    }
    this.#block = undefined;
    const whole = block.parts.length === 1 ? part : Buffer.concat(block.parts);
    // Also for a stream that is gone: the table must follow.
    const headers = this.#decoder.decode(whole);
    const isLast = (block.flags & frameFlags.endStream) !== 0;
    this.#streams.get(stream)?.takeHeaders(headers, isLast);
  }

  #takeSettings({ flags, payload }: Frame): void {
    if ((flags & frameFlags.ack) !== 0) return;
    const values = parseSettings(payload);
    this.#encoder.limitTable(values.get(settings.headerTableSize) ?? Infinity);
    this.#streamsMax = values.get(settings.maxConcurrentStreams) ?? this.#streamsMax;
    const window = values.get(settings.initialWindowSize);
    if (window !== undefined) this.#queue.setInitialWindow(window);
    this.#queue.frameBytesMax = values.get(settings.maxFrameSize) ?? this.#queue.frameBytesMax;
    this.#send(frameOf(frameTypes.settings, frameFlags.ack, 0, Buffer.alloc(0)));
    this.#beginWaiting();
  }

  #takePing({ flags, payload }: Frame): void {
    if ((flags & frameFlags.ack) === 0)
      return this.#send(frameOf(frameTypes.ping, frameFlags.ack, 0, payload));
    this.#onPong?.();
    this.#onPong = undefined;
  }

  /** The peer takes no further streams; those after the last that it names were not looked at. */
  #takeGoAway(frame: Frame): void {
    const last = numberIn(frame);
    this.#isDraining = true;
    const error = new GrpcError(statusCodes.unavailable, "the server is leaving");
    for (const [id, stream] of this.#streams) if (id > last) stream.fail(error.unprocessed());
    for (const { stream } of this.#waiting) stream.fail(error);
    if (this.callCount === 0) this.#close(error);
  }

  #close(error: GrpcError): void {
    if (this.#closed !== undefined) return;
    this.#flush();
    this.#closed = error;
    for (const stream of this.#streams.values()) stream.fail(error);
    for (const { stream } of this.#waiting) stream.fail(error);
    this.#socket.destroy();
    this.#options.onClose(error);
  }
}
