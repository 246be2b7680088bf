/** The scalar types of protobuf itself, and the dialect of proto3 (CRI, etcd). */
import type { Dialect, Scalar } from "./protobuf-dialect.ts";
import { ProtobufError, type ProtobufReader } from "./protobuf-reader.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

/** Typed at its definition; the engine, which is driven by data, sees values as unknown. */
export function scalar<T>(definition: {
  readonly wireType: Scalar["wireType"];
  readonly zero: T;
  readonly write: (writer: ProtobufWriter, value: NonNullable<T>) => void;
  readonly read: (reader: ProtobufReader) => T;
  readonly isZero?: (value: unknown) => boolean;
}): Scalar {
  return { isZero: (value) => value === definition.zero, ...definition };
}

const varint32 = scalar<number>({
  wireType: 0,
  zero: 0,
  write: (writer, value) => writer.varint(value),
  read: (reader) => reader.varint(),
});
const int32 = scalar<number>({
  wireType: 0,
  zero: 0,
  write: (writer, value) => writer.signed(value),
  read: (reader) => reader.varint() | 0,
});

export const number64 = scalar<number>({
  wireType: 0,
  zero: 0,
  write: (writer, value) => writer.signed(value),
  read: (reader) => reader.signed(),
});

const isBigZero = (value: unknown): boolean => value === 0n || value === 0;

/** Takes numbers too, for literals; gives bigint. */
const big = (
  read: (reader: ProtobufReader) => bigint,
  write = (writer: ProtobufWriter, value: bigint) => writer.bigVarint(value),
): Scalar =>
  scalar<bigint>({
    wireType: 0,
    zero: 0n,
    isZero: isBigZero,
    write: (writer, value) => write(writer, BigInt(value)),
    read,
  });

const zigzag = (value: bigint): bigint => (value << 1n) ^ (value >> 63n);
const unzigzag = (value: bigint): bigint => (value >> 1n) ^ -(value & 1n);

const fixedBig = (read: (value: bigint) => bigint): Scalar =>
  scalar<bigint>({
    wireType: 1,
    zero: 0n,
    isZero: isBigZero,
    write: (writer, value) => writer.fixed64(BigInt(value)),
    read: (reader) => read(reader.fixed64()),
  });

const fixed32 = (read: (value: number) => number): Scalar =>
  scalar<number>({
    wireType: 5,
    zero: 0,
    write: (writer, value) => writer.fixed32(value),
    read: (reader) => read(reader.fixed32()),
  });

const noBytes = new Uint8Array();

export const protobufScalars: Readonly<Record<string, Scalar>> = {
  string: scalar<string>({
    wireType: 2,
    zero: "",
    write: (writer, value) => writer.string(value),
    read: (reader) => reader.restAsString(),
  }),
  bytes: scalar<Uint8Array>({
    wireType: 2,
    zero: noBytes,
    isZero: (value) => (value as Uint8Array).length === 0,
    write: (writer, value) => {
      if (!(value instanceof Uint8Array)) throw new ProtobufError("not a Uint8Array");
      writer.bytes(value);
    },
    read: (reader) => reader.rest(),
  }),
  bool: scalar<boolean>({
    wireType: 0,
    zero: false,
    write: (writer, value) => writer.varint(value ? 1 : 0),
    read: (reader) => reader.varint() !== 0,
  }),
  double: scalar<number>({
    wireType: 1,
    zero: 0,
    write: (writer, value) => writer.double(value),
    read: (reader) => reader.double(),
  }),
  float: scalar<number>({
    wireType: 5,
    zero: 0,
    write: (writer, value) => writer.float(value),
    read: (reader) => reader.float(),
  }),
  enum: int32,
  int32,
  uint32: varint32,
  sint32: scalar<number>({
    wireType: 0,
    zero: 0,
    write: (writer, value) => writer.varint((value << 1) ^ (value >> 31)),
    read: (reader) => {
      const value = reader.varint();
      return (value >>> 1) ^ -(value & 1);
    },
  }),
  int64: big((reader) => BigInt.asIntN(64, reader.bigVarint())),
  uint64: big((reader) => reader.bigVarint()),
  sint64: big(
    (reader) => BigInt.asIntN(64, unzigzag(reader.bigVarint())),
    (writer, value) => writer.bigVarint(zigzag(value)),
  ),
  fixed32: fixed32((value) => value),
  sfixed32: fixed32((value) => value | 0),
  fixed64: fixedBig((value) => value),
  sfixed64: fixedBig((value) => BigInt.asIntN(64, value)),
};

/** int64 and uint64 are bigint, bytes Uint8Array; absent and zero are one, and left out. */
export const proto3: Dialect = {
  scalars: protobufScalars,
  writesZeros: false,
  packs: true,
  nullable: new Set(),
  unions: {},
};
