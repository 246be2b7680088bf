/** What differs between those who speak protobuf: their scalars, and when they write a zero. */
import type { ProtobufReader } from "./protobuf-reader.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";

export type WireType = 0 | 1 | 2 | 5;

/**
 * How one value of a scalar type travels. Those of wire type 2 write only what follows the length.
 */
export interface Scalar {
  readonly wireType: WireType;
  /** What stands for an absent value where one must be written. */
  readonly zero: unknown;
  readonly isZero: (value: unknown) => boolean;
  readonly write: (writer: ProtobufWriter, value: never) => void;
  /** For wire type 2: reads up to the reader's end. */
  readonly read: (reader: ProtobufReader) => unknown;
}

/** A type that is one of two things in JSON, and a message with a field for each on the wire. */
export interface Union {
  readonly message: string;
  readonly toWire: (value: unknown) => Fields;
  readonly fromWire: (fields: Fields) => unknown;
}

export interface Dialect {
  readonly scalars: Readonly<Record<string, Scalar>>;
  /** Plain scalars and structs are written even when zero, and read back so. */
  readonly writesZeros: boolean;
  /** Repeated numbers are written as one field. */
  readonly packs: boolean;
  /** Scalars that are left out when absent although they are no pointers: byte slices. */
  readonly nullable: ReadonlySet<string>;
  readonly unions: Readonly<Record<string, Union>>;
}

export type Fields = Readonly<Record<string, unknown>>;
