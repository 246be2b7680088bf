/**
 * Writes protobuf from the end of a buffer to its start: a message's length is then known when it
 * is written, so nothing is measured twice. Callers therefore write fields in falling order, and a
 * value before its tag.
 */
const textEncoder = new TextEncoder();
const initialBytes = 1024;
/** Above this length the encoder of the platform beats a loop. */
const loopCharsMax = 64;

export class ProtobufWriter {
  #buffer = new Uint8Array(initialBytes);
  #view = new DataView(this.#buffer.buffer);
  /** Everything from here to the end is written. */
  #position = initialBytes;

  /** Bytes written so far; the difference of two is the length of what lies between. */
  get length(): number {
    return this.#buffer.length - this.#position;
  }

  #reserve(bytes: number): void {
    if (this.#position >= bytes) return;
    const used = this.length;
    const larger = new Uint8Array(Math.max(this.#buffer.length * 2, used + bytes));
    larger.set(this.#buffer.subarray(this.#position), larger.length - used);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
    this.#position = larger.length - used;
  }

  /** Unsigned, below 2^32. */
  varint(value: number): void {
    this.#reserve(5);
    let bytes = 1;
    for (let rest = value >>> 7; rest !== 0; rest >>>= 7) bytes += 1;
    this.#position -= bytes;
    let rest = value >>> 0;
    for (let at = this.#position; ; at += 1) {
      if (rest < 0x80) {
        this.#buffer[at] = rest;
        return;
      }
      this.#buffer[at] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
  }

  /** Signed, as int32 and int64 are written: a negative number takes ten bytes. */
  signed(value: number): void {
    if (value >= 0 && value <= 0xffffffff) this.varint(value);
    else this.bigVarint(BigInt(value));
  }

  bigVarint(value: bigint): void {
    this.#reserve(10);
    const groups: number[] = [];
    let rest = BigInt.asUintN(64, value);
    do {
      groups.push(Number(rest & 0x7fn));
      rest >>= 7n;
    } while (rest !== 0n);
    this.#position -= groups.length;
    for (const [index, group] of groups.entries())
      this.#buffer[this.#position + index] = index === groups.length - 1 ? group : group | 0x80;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#position -= value.length;
    this.#buffer.set(value, this.#position);
  }

  string(value: string): void {
    if (value.length > loopCharsMax) return this.bytes(textEncoder.encode(value));
    this.#reserve(value.length);
    const start = this.#position - value.length;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code >= 0x80) return this.bytes(textEncoder.encode(value));
      this.#buffer[start + index] = code;
    }
    this.#position = start;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#position -= 8;
    this.#view.setFloat64(this.#position, value, true);
  }

  float(value: number): void {
    this.#reserve(4);
    this.#position -= 4;
    this.#view.setFloat32(this.#position, value, true);
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#position -= 4;
    this.#view.setUint32(this.#position, value >>> 0, true);
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#position -= 8;
    this.#view.setBigUint64(this.#position, BigInt.asUintN(64, value), true);
  }

  /** What was written, in a buffer of its own; the writer is empty again. */
  finish(): Uint8Array<ArrayBuffer> {
    const result = this.#buffer.slice(this.#position);
    this.#position = this.#buffer.length;
    return result;
  }

  /** Forgets what was written (after an encoder threw). */
  reset(): void {
    this.#position = this.#buffer.length;
  }
}
