/**
 * One protobuf engine for all that speaks it: Kubernetes' kinds, CRI and etcd. It is driven by
 * message tables (api/message.ts), compiled to closures when a message is first used. What differs
 * between gogo's proto2, in which Kubernetes writes plain fields even when zero, and proto3 is a
 * `Dialect`. Never knows a kind, an envelope or a transport.
 */
import { ProtobufReader, ProtobufError } from "./protobuf-reader.ts";
import type { Compiled, Encode, MessageDecoder } from "./protobuf-compiled.ts";
import { compileDecoder } from "./protobuf-decode.ts";
import type { Dialect, Fields } from "./protobuf-dialect.ts";
import { compileEncoder } from "./protobuf-encode.ts";
import { ProtobufWriter } from "./protobuf-writer.ts";
import { messageOf, type Schema } from "./schema.ts";

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

  /**
   * `T` is what the table of `key` describes. Throws ProtobufError on bytes that are no message.
   */
  decode<T = Fields>(key: string, bytes: Uint8Array): T {
    return this.decoder(key)(new ProtobufReader(bytes)) as T;
  }
}
