/** One gRPC call: messages out, messages in, one outcome. */
import { errorCodes, windowUpdateFrame } from "./frames.ts";
import { errorIn, GrpcError, isInterim, refusalIn, statusCodes } from "./grpc-status.ts";
import type { Header } from "./hpack.ts";
import { MessageReader, prefixBytes } from "./message-reader.ts";
import type { SendQueue } from "./send-queue.ts";

/** A stream's received bytes are given back to its window in portions of so much. */
const windowPortionBytes = 2 ** 29;

export interface CallHandler {
  onMessage(message: Uint8Array): void;
  /** Once. Undefined: the call went well. */
  onEnd(error: GrpcError | undefined): void;
}

/** What a stream needs of its session. */
export interface StreamLink {
  readonly queue: SendQueue;
  readonly reset: (stream: number, code: number) => void;
  readonly reply: (frame: Buffer) => void;
  readonly ended: (stream: GrpcStream) => void;
}

export class GrpcStream {
  readonly #link: StreamLink;
  readonly #handler: CallHandler;
  readonly #reader: MessageReader;
  /** 0: not begun yet. */
  #id = 0;
  #early: { readonly head: Buffer; readonly message: Uint8Array; readonly isLast: boolean }[] = [];
  #hasHeaders = false;
  #received = 0;
  #isEnded = false;

  constructor(link: StreamLink, handler: CallHandler, messageBytesMax: number) {
    this.#link = link;
    this.#handler = handler;
    this.#reader = new MessageReader(messageBytesMax);
  }

  get id(): number {
    return this.#id;
  }

  begin(id: number): void {
    this.#id = id;
    this.#link.queue.open(id);
    const { queue } = this.#link;
    for (const { head, message, isLast } of this.#early) queue.push(id, head, message, isLast);
    this.#early = [];
  }

  /** `message` is not to be changed afterwards. */
  send(message: Uint8Array, isLast: boolean): void {
    if (this.#isEnded) return;
    const head = Buffer.allocUnsafe(prefixBytes);
    head[0] = 0;
    head.writeUInt32BE(message.length, 1);
    if (this.#id === 0) this.#early.push({ head, message, isLast });
    else this.#link.queue.push(this.#id, head, message, isLast);
  }

  /** Ends the call on both sides; its handler hears `error`. */
  fail(error: GrpcError): void {
    if (this.#isEnded) return;
    this.#link.reset(this.#id, errorCodes.cancel);
    this.#end(this.#id === 0 ? error.unprocessed() : error);
  }

  takeHeaders(headers: readonly Header[], isLast: boolean): void {
    if (!this.#hasHeaders && !isLast && isInterim(headers)) return;
    const refusal = this.#hasHeaders ? undefined : refusalIn(headers);
    if (refusal !== undefined) return isLast ? this.#end(refusal) : this.fail(refusal);
    this.#hasHeaders = true;
    if (isLast) this.#end(errorIn(headers));
  }

  /** `windowBytes`: what it took of the window, which is more than `data` when it was padded. */
  takeData(data: Buffer, windowBytes: number, isLast: boolean): void {
    this.#received += windowBytes;
    if (this.#received >= windowPortionBytes) {
      this.#link.reply(windowUpdateFrame(this.#id, this.#received));
      this.#received = 0;
    }
    try {
      this.#reader.read(data, (message) => {
        if (!this.#isEnded) this.#handler.onMessage(message);
      });
    } catch (error) {
      if (error instanceof GrpcError) return this.fail(error);
      throw error;
    }
    if (isLast) this.#end(new GrpcError(statusCodes.internal, "the answer ended without a status"));
  }

  wasReset(code: number): void {
    const isUnprocessed = code === errorCodes.refusedStream;
    const why = `the server reset the call (${code})`;
    this.#end(new GrpcError(statusCodes.unavailable, why, { isUnprocessed }));
  }

  #end(error: GrpcError | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#early = [];
    if (this.#id !== 0) this.#link.queue.close(this.#id);
    this.#link.ended(this);
    this.#handler.onEnd(error);
  }
}
