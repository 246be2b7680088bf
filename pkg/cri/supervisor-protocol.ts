/**
 * What goes over the supervisor's unix socket. A frame is a length (32 bits, big-endian, of what
 * follows), one byte of kind, and the payload. Control frames are JSON: requests with an id, one
 * answer each, and exits as they happen. A connection that asked to attach carries, after the
 * answer, raw output and input: one connection an attachment, so nothing is multiplexed.
 */
import type { ContainerStart, Exit, RunningContainer, Supervisor } from "./supervisor-contract.ts";

/** The socket of the supervisor whose state is in this folder. */
export const supervisorSocket = (stateFolder: string): string => `${stateFolder}/socket`;

export const frameKind = {
  json: 0,
  stdout: 1,
  stderr: 2,
  stdin: 3,
  /** No payload: the client's input has ended. */
  stdinEnd: 4,
} as const;

/** A larger frame is an error of the peer: specs with much environment stay far below. */
export const frameBytesMax = 8 * 1024 * 1024;
const headerBytes = 5;

/** What a method takes and gives, by its name. */
export interface Methods {
  readonly start: { readonly takes: ContainerStart; readonly gives: RunningContainer };
  readonly signal: {
    readonly takes: { readonly id: string; readonly signal: number; readonly all: boolean };
    readonly gives: null;
  };
  readonly list: {
    readonly takes: null;
    readonly gives: Awaited<ReturnType<Supervisor["list"]>>;
  };
  readonly remove: { readonly takes: { readonly id: string }; readonly gives: null };
  readonly reopenLog: { readonly takes: { readonly id: string }; readonly gives: null };
  readonly attach: { readonly takes: { readonly id: string }; readonly gives: null };
  readonly resize: {
    readonly takes: { readonly id: string; readonly width: number; readonly height: number };
    readonly gives: null;
  };
  /** From here on this connection hears of exits. */
  readonly subscribe: { readonly takes: null; readonly gives: null };
}

export type Method = keyof Methods;

export type Message =
  | { readonly id: number; readonly method: Method; readonly params: unknown }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: WireError }
  | { readonly exit: Exit };

export interface WireError {
  readonly message: string;
  /** Errno's name where the kernel refused; NotFound where there is no such container. */
  readonly code?: string;
}

export function encodeFrame(kind: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headerBytes + payload.length);
  frame.writeUInt32BE(payload.length + 1);
  frame.writeUInt8(kind, 4);
  frame.set(payload, headerBytes);
  return frame;
}

export const encodeMessage = (message: Message): Buffer =>
  encodeFrame(frameKind.json, Buffer.from(JSON.stringify(message)));

export interface Frame {
  readonly kind: number;
  readonly payload: Buffer;
}

/** Bytes in, whole frames out, however they were cut. Throws on a frame that is too long. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  push(bytes: Buffer): readonly Frame[] {
    const all = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes]);
    const frames: Frame[] = [];
    let at = 0;
    while (all.length - at >= headerBytes) {
      const length = all.readUInt32BE(at);
      if (length < 1 || length > frameBytesMax) {
        throw new Error(`a frame of ${length} bytes; ${frameBytesMax} at most`);
      }
      if (all.length - at < 4 + length) break;
      frames.push({
        kind: all.readUInt8(at + 4),
        payload: all.subarray(at + headerBytes, at + 4 + length),
      });
      at += 4 + length;
    }
    this.#pending = all.subarray(at);
    return frames;
  }
}
