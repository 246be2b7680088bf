import { describe, expect, it } from "vitest";
import { criMessages } from "../../api/cri/v1.ts";
import { criProtobuf } from "./cri-protobuf.ts";
import { ProtobufCodec } from "./protobuf.ts";
import { proto3 } from "./protobuf-scalars.ts";
import { schemaOfTable } from "./schema.ts";

const codec = new ProtobufCodec(
  schemaOfTable({
    Inner: "name 1 string",
    All: `
      text 1 string
      raw 2 bytes
      yes 3 bool
      i32 4 int32
      i64 5 int64
      u32 6 uint32
      u64 7 uint64
      s32 8 sint32
      s64 9 sint64
      f32 10 fixed32
      f64 11 sfixed64
      real 12 double
      half 13 float
      kind 14 enum
      inner 15 Inner
      many 16 []Inner
      numbers 17 []int64
      map 18 {string}Inner
      words 19 {string}string
      set 20 string?
      maybe 21 int32?`,
  }),
  proto3,
);
const hex = (bytes: Uint8Array): string => bytes.toHex();

describe("proto3", () => {
  it("gives back what it wrote", () => {
    const value = {
      text: "grün 🐳",
      raw: Uint8Array.of(0, 255),
      yes: true,
      i32: -5,
      i64: -(2n ** 63n),
      u32: 2 ** 32 - 1,
      u64: 2n ** 64n - 1n,
      s32: -3,
      s64: -4n,
      f32: 7,
      f64: -8n,
      real: 0.1,
      half: 0.5,
      kind: 2,
      inner: { name: "a" },
      many: [{ name: "b" }, {}],
      numbers: [1n, -1n, 300n],
      map: { x: { name: "c" }, __proto__x: {} },
      words: { "": "", k: "v" },
      set: "",
      maybe: 0,
    };
    expect(codec.decode("All", codec.encode("All", value))).toEqual(value);
  });

  for (const [value, bytes] of [
    [{}, ""],
    [{ text: "", i32: 0, yes: false, numbers: [], i64: 0n }, ""],
    [{ set: "" }, "a20100"],
    [{ text: "hi" }, "0a026869"],
    [{ i32: -1 }, "20ffffffffffffffffff01"],
    [{ i64: 300n }, "28ac02"],
    [{ numbers: [1n, 300n] }, "8a010301ac02"],
    [{ inner: {} }, "7a00"],
    [{ i64: 5 }, "2805"],
  ] as const)
    it(`${Object.keys(value).join()} is written as protoc would`, () =>
      expect(hex(codec.encode("All", value))).toBe(bytes));

  it("reads repeated numbers both ways, skips what it does not know, and takes the last value", () => {
    const bytes = Uint8Array.fromHex("88010188010a" + "fa0605aabbccddee" + "2001" + "2002");
    expect(codec.decode("All", bytes)).toEqual({ numbers: [1n, 10n], i32: 2 });
  });

  for (const bytes of ["0a", "0a05", "0aff", "20", "28ffffffffffffffffffff01", "7f", "7a020aff"])
    it(`${bytes} is no message`, () =>
      expect(() => codec.decode("All", Uint8Array.fromHex(bytes))).toThrow());

  it("refuses a value of the wrong type, and works on", () => {
    expect(() => codec.encode("All", { many: "x" })).toThrow("many: not a list");
    expect(() => codec.encode("All", { inner: 5 })).toThrow("Inner: not an object");
    expect(hex(codec.encode("All", { yes: true }))).toBe("1801");
  });

  it("writes more than a buffer holds", () => {
    const text = "x".repeat(100_000);
    const many = Array.from({ length: 500 }, (_, index) => ({ name: `${index}` }));
    expect(codec.decode("All", codec.encode("All", { text, many }))).toEqual({
      text,
      many,
    });
  });
});

describe("CRI", () => {
  it("has a message for every method, and every message compiles", () => {
    for (const name of Object.keys(criMessages))
      expect(criProtobuf.decode(name, criProtobuf.encode(name, {}))).toEqual({});
  });
  it("keeps a request", () => {
    const request = {
      podSandboxId: "p",
      config: {
        metadata: { name: "web", attempt: 1 },
        envs: [{ key: "A", value: Uint8Array.of(66) }],
        labels: { b: "2", a: "1" },
        linux: { resources: { memoryLimitInBytes: 2n ** 40n, cpuPeriod: 100_000n } },
      },
    };
    const bytes = criProtobuf.encode("CreateContainerRequest", request);
    expect(criProtobuf.decode("CreateContainerRequest", bytes)).toEqual(request);
  });
});
