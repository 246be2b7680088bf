/** A bounded piece of memory outside JavaScript's heap, filled from its start and reused whole. */
export interface Memory {
  /** Of its first byte. Below 2^47, hence exact as a number. */
  readonly address: number;
  /** Forgets everything taken. */
  reset(): void;
  /** Offset of `bytes` zeroed bytes, aligned to 8. Throws past the limit. */
  take(bytes: number): number;
  /** Writes one 64-bit word, two's complement. */
  put(at: number, value: number | bigint): void;
  /** The same from 32-bit halves: what no number holds exactly. */
  putHalves(at: number, low: number, high: number): void;
  /** The low half of a word as a signed number: results of calls. */
  get(at: number): number;
  /** Address of a copy that ends with a zero byte. Throws on a zero byte inside. */
  text(text: string): number;
  /** Address of a copy. */
  bytes(bytes: Uint8Array): number;
  fill(at: number, bytes: Uint8Array): void;
  /** A copy of what stands there. */
  copy(at: number, bytes: number): Buffer;
}

/** Memory over an ArrayBuffer that begins at `address`. */
export function memoryOver(buffer: ArrayBuffer, address: number): Memory {
  const bytes = Buffer.from(buffer);
  const halves = new Int32Array(buffer);
  let used = 0;
  const take = (length: number): number => {
    const at = (used + 7) & ~7;
    if (at + length > bytes.length) {
      throw new Error(`a tape may have ${bytes.length} bytes at most: arguments too long`);
    }
    used = at + length;
    return at;
  };
  return {
    address,
    reset: () => {
      // One sweep, so that taking costs nothing.
      bytes.fill(0, 0, used);
      used = 0;
    },
    take,
    put: (at, value) => {
      if (typeof value === "bigint") bytes.writeBigInt64LE(BigInt.asIntN(64, value), at);
      else if (value >> 0 === value) {
        halves[at >> 2] = value;
        halves[(at >> 2) + 1] = value < 0 ? -1 : 0;
      } else {
        halves[at >> 2] = value % 2 ** 32;
        halves[(at >> 2) + 1] = Math.floor(value / 2 ** 32);
      }
    },
    putHalves: (at, low, high) => {
      halves[at >> 2] = low;
      halves[(at >> 2) + 1] = high;
    },
    get: (at) => halves[at >> 2] ?? 0,
    text: (text) => {
      // One pass: room for the longest it could be in UTF-8, of which the rest is given back.
      const at = take(text.length * 3 + 1);
      const length = bytes.write(text, at);
      used = at + length + 1;
      if (bytes.indexOf(0, at) < at + length) {
        throw new Error(`a zero byte in ${JSON.stringify(text)}`);
      }
      return address + at;
    },
    bytes: (source) => {
      const at = take(source.length);
      bytes.set(source, at);
      return address + at;
    },
    fill: (at, source) => bytes.set(source, at),
    copy: (at, length) => Buffer.from(bytes.subarray(at, at + length)),
  };
}
