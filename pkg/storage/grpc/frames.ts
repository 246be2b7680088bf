/** Frames of HTTP/2 (RFC 9113, section 4) as bytes. Pure. */

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const frameFlags = {
  endStream: 0x1,
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

export const settings = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
} as const;

export const errorCodes = { refusedStream: 7, cancel: 8 } as const;

/** What a connection's peer may send in one frame before it is told otherwise. */
export const frameBytesDefault = 16_384;
export const windowBytesDefault = 65_535;
export const windowBytesMax = 2 ** 31 - 1;
export const frameHeaderBytes = 9;

export const connectionPreface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "latin1");

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export class FrameError extends Error {
  override readonly name = "FrameError";
}

/** Cuts what a socket brings into frames. Payloads are views of it. */
export class FrameReader {
  #rest: Buffer | undefined;

  /** Throws FrameError on a frame larger than we have allowed. */
  read(chunk: Buffer, take: (frame: Frame) => void): void {
    const bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= frameHeaderBytes) {
      const length = bytes.readUIntBE(at, 3);
      if (length > frameBytesDefault) throw new FrameError(`a frame of ${length} bytes`);
      const end = at + frameHeaderBytes + length;
      if (end > bytes.length) break;
      take({
        type: bytes[at + 3] ?? 0,
        flags: bytes[at + 4] ?? 0,
        stream: bytes.readUInt32BE(at + 5) & 0x7fffffff,
        payload: bytes.subarray(at + frameHeaderBytes, end),
      });
      at = end;
    }
    this.#rest = at === bytes.length ? undefined : bytes.subarray(at);
  }
}

export function writeFrameHeader(
  into: Buffer,
  at: number,
  head: Omit<Frame, "payload"> & { readonly length: number },
): void {
  into.writeUIntBE(head.length, at, 3);
  into[at + 3] = head.type;
  into[at + 4] = head.flags;
  into.writeUInt32BE(head.stream, at + 5);
}

export function frameOf(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.length);
  writeFrameHeader(frame, 0, { type, flags, stream, length: payload.length });
  frame.set(payload, frameHeaderBytes);
  return frame;
}

export function settingsFrame(values: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  for (const [index, [id, value]] of values.entries()) {
    payload.writeUInt16BE(id, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frameOf(frameTypes.settings, 0, 0, payload);
}

/** id → value; a setting that is sent twice counts as it stands last. */
export function parseSettings(payload: Buffer): ReadonlyMap<number, number> {
  if (payload.length % 6 !== 0) throw new FrameError("SETTINGS of a broken length");
  const values = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6)
    values.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  return values;
}

function numberFrame(type: number, stream: number, value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value);
  return frameOf(type, 0, stream, payload);
}

export const windowUpdateFrame = (stream: number, bytes: number): Buffer =>
  numberFrame(frameTypes.windowUpdate, stream, bytes);

export const resetFrame = (stream: number, code: number): Buffer =>
  numberFrame(frameTypes.rstStream, stream, code);

/** The number in a frame of four bytes. */
export function numberIn({ payload }: Frame): number {
  if (payload.length < 4) throw new FrameError("a frame is too short");
  return payload.readUInt32BE(0) & 0x7fffffff;
}

/** The payload of DATA or HEADERS without padding and priority. */
export function contentOf({ type, flags, payload }: Frame): Buffer {
  let start = 0;
  let end = payload.length;
  if ((flags & frameFlags.padded) !== 0) {
    start = 1;
    end -= payload[0] ?? 0;
  }
  if (type === frameTypes.headers && (flags & frameFlags.priority) !== 0) start += 5;
  if (end < start) throw new FrameError("padding longer than its frame");
  return payload.subarray(start, end);
}
