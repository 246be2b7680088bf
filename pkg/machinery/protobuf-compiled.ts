import type { Dialect, Fields, Scalar } from "./protobuf-dialect.ts";
import type { ProtobufReader } from "./protobuf-reader.ts";
import type { ProtobufWriter } from "./protobuf-writer.ts";
import type { Schema } from "./schema.ts";

/** Writes a message's fields, without tag and length. */
export type Encode = (writer: ProtobufWriter, value: Fields) => void;

/** Reads a message up to the reader's end. */
export type MessageDecoder = (reader: ProtobufReader) => Fields;

/** What compiling one message needs of the others. */
export interface Compiled {
  encoder(key: string): Encode;
  decoder(key: string): MessageDecoder;
  readonly schema: Schema;
  readonly dialect: Dialect;
}

export function scalarOf(compiled: Compiled, type: string): Scalar {
  const { scalars, unions } = compiled.dialect;
  const scalar = scalars[type];
  if (scalar !== undefined) return scalar;
  const union = unions[type];
  if (union === undefined) throw new Error(`protobuf: no scalar type ${type} in this dialect`);
  return {
    wireType: 2,
    zero: undefined,
    isZero: (value) => value === undefined,
    write: (writer, value) => compiled.encoder(union.message)(writer, union.toWire(value)),
    read: (reader) => union.fromWire(compiled.decoder(union.message)(reader)),
  };
}
