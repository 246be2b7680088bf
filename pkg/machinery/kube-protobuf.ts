/**
 * Kubernetes' binary form: "k8s\0", then a runtime.Unknown whose raw bytes are the object's
 * message. Kinds without a message (custom kinds, Tables) have none: `hasProtobuf` tells.
 */
import type { KubeObject } from "../../api/resource.ts";
import { kubernetesDialect, unionMessages } from "./kube-protobuf-scalars.ts";
import { ProtobufCodec } from "./protobuf.ts";
import { ProtobufError } from "./protobuf-reader.ts";
import { proto3 } from "./protobuf-scalars.ts";
import { schemaKeyOf } from "./schema-key.ts";
import { kubernetesSchema, schemaOfTable, type Schema } from "./schema.ts";

/** The media type of the binary form; watches add ";stream=watch". */
export const protobufMediaType = "application/vnd.kubernetes.protobuf";

/** "k8s\0" */
const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

interface Unknown {
  readonly typeMeta?: { readonly apiVersion?: string; readonly kind?: string };
  readonly raw?: Uint8Array;
}
/** Go writes the two last fields always; `?` has ours do so too. */
const envelope = new ProtobufCodec(
  schemaOfTable({
    TypeMeta: "apiVersion 1 string?\nkind 2 string?",
    Unknown: "typeMeta 1 TypeMeta\nraw 2 bytes?\ncontentEncoding 3 string?\ncontentType 4 string?",
  }),
  proto3,
);

export const startsWithMagic = (bytes: Uint8Array): boolean =>
  magic.every((byte, index) => bytes[index] === byte);

/** Objects of one schema in binary form; `kubernetesProtobuf` is the one for all built-in kinds. */
export class KubernetesProtobuf {
  readonly #schema: Schema;
  readonly #codec: ProtobufCodec;
  constructor(schema: Schema) {
    this.#schema = schema;
    const wire = schemaOfTable(unionMessages);
    const withUnions: Schema = { message: (key) => schema.message(key) ?? wire.message(key) };
    this.#codec = new ProtobufCodec(withUnions, kubernetesDialect);
  }

  #keyOf(apiVersion: string, kind: string): string {
    const key = schemaKeyOf(apiVersion, kind, this.#schema);
    if (key === undefined) throw new ProtobufError(`no protobuf for ${apiVersion}, ${kind}`);
    return key;
  }

  hasProtobuf(apiVersion: string, kind: string): boolean {
    return schemaKeyOf(apiVersion, kind, this.#schema) !== undefined;
  }

  /** The object must carry apiVersion and kind, or `unnamed` must be the key of its message. */
  encode(object: KubeObject, unnamed?: string): Uint8Array<ArrayBuffer> {
    const { apiVersion = "", kind = "" } = object;
    const key = kind === "" && unnamed !== undefined ? unnamed : this.#keyOf(apiVersion, kind);
    const raw = this.#codec.encode(key, object);
    const unknown = { typeMeta: { apiVersion, kind }, raw, contentEncoding: "", contentType: "" };
    const body = envelope.encode("Unknown", unknown);
    const result = new Uint8Array(magic.length + body.length);
    result.set(magic);
    result.set(body, magic.length);
    return result;
  }

  /** Throws ProtobufError: no magic, an unknown kind, bytes that are no message. */
  decode(bytes: Uint8Array, unnamed?: string): KubeObject {
    if (!startsWithMagic(bytes))
      throw new ProtobufError("provided data does not appear to be a protobuf message");
    const unknown = envelope.decode<Unknown>("Unknown", bytes.subarray(magic.length));
    const { apiVersion = "", kind = "" } = unknown.typeMeta ?? {};
    if (kind === "" && unnamed !== undefined)
      return this.#codec.decode<KubeObject>(unnamed, unknown.raw ?? none);
    const key = this.#keyOf(apiVersion, kind);
    return { kind, apiVersion, ...this.#codec.decode<KubeObject>(key, unknown.raw ?? none) };
  }

  /** A message without the envelope: the frames of a watch are bare WatchEvents. */
  encodeMessage(key: string, value: object): Uint8Array<ArrayBuffer> {
    return this.#codec.encode(key, value);
  }
  decodeMessage<T>(key: string, bytes: Uint8Array): T {
    return this.#codec.decode<T>(key, bytes);
  }
}

const none = new Uint8Array();

export const kubernetesProtobuf = new KubernetesProtobuf(kubernetesSchema);
