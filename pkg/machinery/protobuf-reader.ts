/** Reads protobuf from a buffer; every length is checked, so that bad bytes end in an error. */
const textDecoder = new TextDecoder();
const loopBytesMax = 24;

export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

export class ProtobufReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  position = 0;
  /** Where the message that is being read ends. */
  end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.length;
  }

  #byte(): number {
    const byte = this.position < this.end ? this.#bytes[this.position] : undefined;
    if (byte === undefined) throw new ProtobufError("unexpected EOF");
    this.position += 1;
    return byte;
  }

  /** The low 32 bits, unsigned: tags, lengths, uint32. */
  varint(): number {
    let byte = this.#byte();
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      if (shift > 63) throw new ProtobufError("integer overflow");
      byte = this.#byte();
      if (shift < 32) value |= (byte & 0x7f) << shift;
    }
    return value >>> 0;
  }

  /** All 64 bits as a signed number; exact up to 2^53. */
  signed(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      if (shift > 63) throw new ProtobufError("integer overflow");
      const byte = this.#byte();
      const group = byte & 0x7f;
      if (shift < 28) low |= group << shift;
      else if (shift === 28) {
        low |= (group & 0xf) << 28;
        high |= group >>> 4;
      } else high |= group << (shift - 32);
      if (byte < 0x80) break;
    }
    return (high | 0) * 0x1_0000_0000 + (low >>> 0);
  }

  bigVarint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      if (shift > 63n) throw new ProtobufError("integer overflow");
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
  }

  #skip(length: number): void {
    if (this.position + length > this.end) throw new ProtobufError("unexpected EOF");
    this.position += length;
  }

  string(): string {
    const length = this.varint();
    const start = this.position;
    this.#skip(length);
    return this.#text(start, this.position);
  }

  /** What is left of the part that is being read; bytes are not copied. */
  rest(): Uint8Array {
    const start = this.position;
    this.position = this.end;
    return this.#bytes.subarray(start, this.end);
  }
  restAsString(): string {
    const start = this.position;
    this.position = this.end;
    return this.#text(start, this.end);
  }

  #text(start: number, end: number): string {
    if (end - start > loopBytesMax) return textDecoder.decode(this.#bytes.subarray(start, end));
    let text = "";
    for (let at = start; at < end; at += 1) {
      const byte = this.#bytes[at] ?? 0;
      if (byte >= 0x80) return textDecoder.decode(this.#bytes.subarray(start, end));
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #fixed(bytes: number): number {
    const at = this.position;
    this.#skip(bytes);
    return at;
  }
  double(): number {
    return this.#view.getFloat64(this.#fixed(8), true);
  }
  float(): number {
    return this.#view.getFloat32(this.#fixed(4), true);
  }
  fixed32(): number {
    return this.#view.getUint32(this.#fixed(4), true);
  }
  fixed64(): bigint {
    return this.#view.getBigUint64(this.#fixed(8), true);
  }

  /** Runs `read` with `end` set to that of the length-delimited part that begins here. */
  within(read: () => void): void {
    const length = this.varint();
    const outer = this.end;
    const inner = this.position + length;
    if (inner > outer) throw new ProtobufError("unexpected EOF");
    this.end = inner;
    read();
    this.position = inner;
    this.end = outer;
  }

  skipField(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.#skip(8);
    else if (wireType === 2) this.#skip(this.varint());
    else if (wireType === 5) this.#skip(4);
    else throw new ProtobufError(`illegal wireType ${wireType}`);
  }
}
