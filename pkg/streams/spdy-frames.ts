/** Frames of SPDY/3.1 as values and as bytes: pure. Header blocks stay compressed here. */
import { assert } from "../base/errors.ts";

export type Frame =
  | {
      readonly is: "data";
      readonly streamId: number;
      readonly fin: boolean;
      readonly data: Uint8Array;
    }
  | {
      readonly is: "syn-stream";
      readonly streamId: number;
      readonly fin: boolean;
      readonly block: Uint8Array;
    }
  | {
      readonly is: "syn-reply" | "headers";
      readonly streamId: number;
      readonly fin: boolean;
      readonly block: Uint8Array;
    }
  | { readonly is: "rst-stream"; readonly streamId: number; readonly status: number }
  | { readonly is: "ping"; readonly id: number }
  | { readonly is: "goaway"; readonly lastStreamId: number }
  /** SETTINGS, WINDOW_UPDATE and types that we do not know. */
  | { readonly is: "ignored"; readonly type: number };

const types = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  ping: 6,
  goaway: 7,
  headers: 8,
} as const;
const versionBits = 0x8003;
const finFlag = 1;
const headBytes = 8;

export const frameLimits = {
  /** A header block of exec's streams is under a hundred bytes. */
  controlBytesMax: 64 * 1024,
  /** Data goes out in frames that leave room for others between them. */
  dataBytesMax: 1024 * 1024,
} as const;

export const rstStatus = { protocolError: 1, refusedStream: 3, cancel: 5 } as const;

function head(first: number, flags: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes);
  bytes.writeUInt32BE(first >>> 0, 0);
  bytes.writeUInt32BE((flags << 24) | length, 4);
  return bytes;
}

const control = (type: number, flags: number, ...payload: readonly Uint8Array[]): Buffer => {
  const length = payload.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([head((versionBits << 16) | type, flags, length), ...payload]);
};

const number32 = (value: number): Buffer => {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0, 0);
  return bytes;
};

/** The eight bytes in front of a data frame's payload. */
export function dataHead(streamId: number, length: number, fin: boolean): Buffer {
  assert(length <= 0xff_ffff, "a frame holds 16 MiB at most");
  return head(streamId, fin ? finFlag : 0, length);
}

export const encodeSynStream = (streamId: number, block: Uint8Array): Buffer =>
  control(types.synStream, 0, number32(streamId), number32(0), Buffer.alloc(2), block);
export const encodeSynReply = (streamId: number, block: Uint8Array): Buffer =>
  control(types.synReply, 0, number32(streamId), block);
export const encodeRstStream = (streamId: number, status: number): Buffer =>
  control(types.rstStream, 0, number32(streamId), number32(status));
export const encodePing = (id: number): Buffer => control(types.ping, 0, number32(id));
export const encodeGoAway = (lastStreamId: number): Buffer =>
  control(types.goaway, 0, number32(lastStreamId), number32(0));

/**
 * Cuts a connection's bytes into frames, however they arrive. Data frames are passed on in the
 * pieces in which they come, so that a large one is never held; only its last piece has `fin`.
 */
export class FrameParser {
  #held: Uint8Array = new Uint8Array(0);
  #data: { readonly streamId: number; readonly fin: boolean; left: number } | undefined;

  /** Throws on a frame that is malformed or too large: nothing behind it can be understood. */
  *push(chunk: Uint8Array): Generator<Frame> {
    let bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      if (this.#data !== undefined) {
        if (bytes.length === 0) break;
        const taken = bytes.subarray(0, this.#data.left);
        bytes = bytes.subarray(taken.length);
        yield this.#dataPiece(this.#data, taken);
        continue;
      }
      if (bytes.length < headBytes) break;
      const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      const first = view.readUInt32BE(0);
      const length = view.readUIntBE(5, 3);
      const flags = view.readUInt8(4);
      if (first < 0x8000_0000) {
        bytes = bytes.subarray(headBytes);
        const fin = (flags & finFlag) !== 0;
        if (length > 0) this.#data = { streamId: first, fin, left: length };
        else yield { is: "data", streamId: first, fin, data: new Uint8Array(0) };
        continue;
      }
      if (length > frameLimits.controlBytesMax) throw new Error(`SPDY: frame of ${length} bytes`);
      if (bytes.length < headBytes + length) break;
      yield parseControl(first, flags, view.subarray(headBytes, headBytes + length));
      bytes = bytes.subarray(headBytes + length);
    }
    this.#held = bytes;
  }

  #dataPiece(
    data: { readonly streamId: number; readonly fin: boolean; left: number },
    taken: Uint8Array,
  ): Frame {
    data.left -= taken.length;
    const isLast = data.left === 0;
    if (isLast) this.#data = undefined;
    return { is: "data", streamId: data.streamId, fin: data.fin && isLast, data: taken };
  }
}

function parseControl(first: number, flags: number, payload: Buffer): Frame {
  if (first >>> 16 !== versionBits) throw new Error("SPDY: not version 3");
  const type = first & 0xffff;
  const fin = (flags & finFlag) !== 0;
  const at = (offset: number): number => {
    if (payload.length < offset + 4) throw new Error(`SPDY: frame of type ${type} is cut short`);
    return payload.readUInt32BE(offset);
  };
  const streamId = (): number => at(0) & 0x7fff_ffff;
  switch (type) {
    case types.synStream:
      at(6);
      return { is: "syn-stream", streamId: streamId(), fin, block: payload.subarray(10) };
    case types.synReply:
      return { is: "syn-reply", streamId: streamId(), fin, block: payload.subarray(4) };
    case types.headers:
      return { is: "headers", streamId: streamId(), fin, block: payload.subarray(4) };
    case types.rstStream:
      return { is: "rst-stream", streamId: streamId(), status: at(4) };
    case types.ping:
      return { is: "ping", id: at(0) };
    case types.goaway:
      return { is: "goaway", lastStreamId: streamId() };
    default:
      return { is: "ignored", type };
  }
}
