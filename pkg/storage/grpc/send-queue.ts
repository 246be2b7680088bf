/**
 * DATA on its way out under the peer's flow control: a window for the connection and one for each
 * stream (RFC 9113, section 5.2). What does not fit waits, first come, first served; but nobody
 * waits for another's stream.
 */
import {
  frameBytesDefault,
  FrameError,
  frameFlags,
  frameHeaderBytes,
  frameTypes,
  windowBytesDefault,
  windowBytesMax,
  writeFrameHeader,
} from "./frames.ts";

interface Outgoing {
  readonly stream: number;
  readonly bytes: Buffer;
  sent: number;
  readonly isLast: boolean;
}

export class SendQueue {
  frameBytesMax = frameBytesDefault;
  /** Takes frames, also in pieces that follow each other. */
  readonly #send: (piece: Uint8Array) => void;
  #initialWindow = windowBytesDefault;
  #window = windowBytesDefault;
  /** Windows of the open streams. */
  readonly #windows = new Map<number, number>();
  #waiting: Outgoing[] = [];

  constructor(send: (piece: Uint8Array) => void) {
    this.#send = send;
  }

  open(stream: number): void {
    this.#windows.set(stream, this.#initialWindow);
  }

  /** What the stream still had to send is dropped. */
  close(stream: number): void {
    this.#windows.delete(stream);
    if (this.#waiting.length > 0)
      this.#waiting = this.#waiting.filter((one) => one.stream !== stream);
  }

  /** `head` and `body` follow each other in one frame where they can, and are not copied then. */
  push(stream: number, head: Uint8Array, body: Uint8Array, isLast: boolean): void {
    const length = head.length + body.length;
    const window = this.#windows.get(stream) ?? 0;
    const most = Math.min(this.frameBytesMax, window, this.#window);
    if (length <= most && this.#waiting.length === 0) {
      this.#windows.set(stream, window - length);
      this.#window -= length;
      const frame = Buffer.allocUnsafe(frameHeaderBytes + head.length);
      const flags = isLast ? frameFlags.endStream : 0;
      writeFrameHeader(frame, 0, { type: frameTypes.data, flags, stream, length });
      frame.set(head, frameHeaderBytes);
      this.#send(frame);
      return this.#send(body);
    }
    const outgoing: Outgoing = { stream, bytes: Buffer.concat([head, body]), sent: 0, isLast };
    // Nobody overtakes on one stream. While the connection's window has room, those who wait do so
    // for windows of their own; once it has none, small messages do not starve a large one.
    const isBehind = (one: Outgoing): boolean => this.#window <= 0 || one.stream === stream;
    if (this.#waiting.some(isBehind) || !this.#advance(outgoing)) this.#waiting.push(outgoing);
  }

  /** Stream 0 is the connection. */
  widen(stream: number, bytes: number): void {
    if (stream === 0) this.#window = widened(this.#window, bytes);
    else {
      const window = this.#windows.get(stream);
      if (window === undefined) return; // it has ended in the meantime
      this.#windows.set(stream, widened(window, bytes));
    }
    this.#pump();
  }

  /** Changes the windows of the open streams as well, which may become negative. */
  setInitialWindow(bytes: number): void {
    const change = bytes - this.#initialWindow;
    this.#initialWindow = bytes;
    for (const [stream, window] of this.#windows)
      this.#windows.set(stream, widened(window, change));
    this.#pump();
  }

  #pump(): void {
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((one) => !this.#advance(one));
  }

  /** Sends what the windows allow; true when all is sent. */
  #advance(outgoing: Outgoing): boolean {
    const { stream, bytes, isLast } = outgoing;
    for (;;) {
      const window = this.#windows.get(stream);
      if (window === undefined) return true;
      const rest = bytes.length - outgoing.sent;
      const length = Math.min(rest, this.frameBytesMax, window, this.#window);
      if (length <= 0) return false;
      this.#windows.set(stream, window - length);
      this.#window -= length;
      const frame = Buffer.allocUnsafe(frameHeaderBytes + length);
      const flags = isLast && length === rest ? frameFlags.endStream : 0;
      writeFrameHeader(frame, 0, { type: frameTypes.data, flags, stream, length });
      bytes.copy(frame, frameHeaderBytes, outgoing.sent, outgoing.sent + length);
      outgoing.sent += length;
      this.#send(frame);
      if (length === rest) return true;
    }
  }
}

function widened(window: number, bytes: number): number {
  const sum = window + bytes;
  if (sum > windowBytesMax) throw new FrameError("a window of more than 2^31 - 1 bytes");
  return sum;
}
