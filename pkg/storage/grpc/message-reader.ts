/** Messages in a stream's DATA. Five bytes before each say how long it is, and if compressed. */
import { GrpcError, statusCodes } from "./grpc-status.ts";

export const prefixBytes = 5;

export class MessageReader {
  readonly #bytesMax: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Throws GrpcError on what cannot be taken. A message in one piece is a view of that piece. */
  read(data: Buffer, take: (message: Uint8Array) => void): void {
    this.#parts.push(data);
    this.#bytes += data.length;
    for (;;) {
      const length = this.#nextLength();
      if (length === undefined || this.#bytes < prefixBytes + length) return;
      const [first, ...others] = this.#parts;
      const all = first === undefined || others.length > 0 ? Buffer.concat(this.#parts) : first;
      const end = prefixBytes + length;
      this.#parts = end === all.length ? [] : [all.subarray(end)];
      this.#bytes -= end;
      // Without Buffer's own methods: values are handed out as they are.
      take(new Uint8Array(all.buffer, all.byteOffset + prefixBytes, length));
    }
  }

  #nextLength(): number | undefined {
    if (this.#bytes < prefixBytes) return undefined;
    const first = this.#parts[0];
    // Parts are few as long as the prefix is not whole.
    const head =
      first !== undefined && first.length >= prefixBytes ? first : Buffer.concat(this.#parts);
    if (head[0] !== 0) throw new GrpcError(statusCodes.internal, "a compressed message");
    const length = head.readUInt32BE(1);
    if (length > this.#bytesMax)
      throw new GrpcError(statusCodes.resourceExhausted, `a message of ${length} bytes`);
    return length;
  }
}
