import { constants, createDeflate } from "node:zlib";
import { describe, expect, it } from "vitest";
import { HeaderReader, HeaderWriter, headerDictionary } from "./spdy-headers.ts";

const pair = (name: string, value: string): Buffer => {
  const word = (text: string): readonly Buffer[] => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(text.length);
    return [length, Buffer.from(text)];
  };
  return Buffer.concat([...word(name), ...word(value)]);
};
const block = (...pairs: readonly (readonly [string, string])[]): Buffer => {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(pairs.length);
  return Buffer.concat([count, ...pairs.map(([name, value]) => pair(name, value))]);
};

/** As a client compresses: one zlib stream with the dictionary, flushed after every block. */
function compressor(): (text: Buffer) => Promise<Buffer> {
  const deflate = createDeflate({ dictionary: headerDictionary });
  let pieces: Buffer[] = [];
  deflate.on("data", (piece: Buffer) => pieces.push(piece));
  return (text) =>
    new Promise((resolve) => {
      pieces = [];
      deflate.write(text);
      deflate.flush(constants.Z_SYNC_FLUSH, () => resolve(Buffer.concat(pieces)));
    });
}

describe("SPDY headers", () => {
  it("have the dictionary of the protocol, byte for byte in length", () => {
    expect(headerDictionary.length).toBe(1423);
  });

  it("are read from a compressed stream, block after block", async () => {
    const compress = compressor();
    const reader = new HeaderReader();
    for (const kind of ["error", "stdin", "stdout"]) {
      const bytes = await compress(block(["Streamtype", kind], ["port", "80"]));
      expect({ ...(await reader.read(bytes)) }).toEqual({ streamtype: kind, port: "80" });
    }
    reader.close();
  });

  it("are written so that a reader hands each block out at once", async () => {
    const writer = new HeaderWriter();
    const reader = new HeaderReader();
    expect({ ...(await reader.read(writer.write({ a: "1" }))) }).toEqual({ a: "1" });
    const second = writer.write({});
    // Go's decompressor gives out a block only when it sees the flush behind it.
    expect(second.subarray(-5).toString("hex")).toBe("000000ffff");
    expect({ ...(await reader.read(second)) }).toEqual({});
    reader.close();
  });

  it("cannot reach the prototype of an object", async () => {
    const reader = new HeaderReader();
    const headers = await reader.read(await compressor()(block(["__proto__", "x"])));
    expect(Object.getPrototypeOf(headers)).toBeNull();
    reader.close();
  });

  for (const [title, make] of [
    ["no zlib stream", async () => Buffer.from("nonsense that is not zlib")],
    ["a block that is cut short", async () => compressor()(block(["a", "b"]).subarray(0, 8))],
    [
      "a block that is too large unpacked",
      async () => compressor()(block(["a", "b".repeat(100_000)])),
    ],
  ] as const) {
    it(`refuse ${title}`, async () => {
      const reader = new HeaderReader();
      await expect(reader.read(await make())).rejects.toThrow();
      reader.close();
    });
  }
});
