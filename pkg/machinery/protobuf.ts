/**
 * One protobuf engine for all that speaks it: Kubernetes' kinds, CRI and etcd. It is driven by
 * message tables (api/message.ts), compiled to closures when a message is first used. What differs
 * between gogo's proto2, in which Kubernetes writes plain fields even when zero, and proto3 is a
 * `Dialect`. Never knows a kind, an envelope or a transport.
 */
import { ProtobufReader, ProtobufError } from "./protobuf-reader.ts";
import { compileEncoder, type Encode } from "./protobuf-encode.ts";
import { compileDecoder, type MessageDecoder } from "./protobuf-decode.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { messageOf, type Schema } from "./schema.ts";

export type WireType = 0 | 1 | 2 | 5;

/** How one value of a scalar type travels. Those of wire type 2 write only what follows the length. */
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

/** What compiling one message needs of the others. */
export interface Compiled {
  encoder(key: string): Encode;
  decoder(key: string): MessageDecoder;
  readonly schema: Schema;
  readonly dialect: Dialect;
}

export class ProtobufCodec implements Compiled {
  readonly schema: Schema;
  readonly dialect: Dialect;
  readonly #encoders = new Map<string, Encode>();
  readonly #decoders = new Map<string, MessageDecoder>();
  #writer: ProtobufWriter | undefined = new ProtobufWriter();

  constructor(schema: Schema, dialect: Dialect) {
    this.schema = schema;
    this.dialect = dialect;
  }

  encoder(key: string): Encode {
    const known = this.#encoders.get(key);
    if (known !== undefined) return known;
    const encode = compileEncoder(this, messageOf(this.schema, key));
    this.#encoders.set(key, encode);
    return encode;
  }

  decoder(key: string): MessageDecoder {
    const known = this.#decoders.get(key);
    if (known !== undefined) return known;
    const decoder = compileDecoder(this, messageOf(this.schema, key));
    this.#decoders.set(key, decoder);
    return decoder;
  }

  /** Throws ProtobufError when a value is not of its field's type. */
  encode(key: string, value: object): Uint8Array<ArrayBuffer> {
    const writer = this.#writer ?? new ProtobufWriter();
    this.#writer = undefined;
    try {
      this.encoder(key)(writer, value as Fields);
      return writer.finish();
    } catch (error) {
      if (error instanceof ProtobufError) throw error;
      throw new ProtobufError(`encode ${key}`, { cause: error });
    } finally {
      writer.reset();
      this.#writer = writer;
    }
  }

  /** `T` is what the table of `key` describes. Throws ProtobufError on bytes that are no message. */
  decode<T = Fields>(key: string, bytes: Uint8Array): T {
    return this.decoder(key)(new ProtobufReader(bytes)) as T;
  }
}
