/** Protobuf: an object's message is made when first asked for and kept beside its JSON. */
import { apiVersionOf } from "../../../api/resource.ts";
import { kubernetesProtobuf, protobufMediaType } from "../../machinery/kube-protobuf.ts";
import type { Entry } from "../cache/entry.ts";
import type { ObjectCache } from "../cache/object-cache.ts";
import { bookmarkObject } from "./json-rendering.ts";
import {
  protobufEnvelope,
  protobufFailure,
  protobufFrame,
  protobufList,
} from "./protobuf-frames.ts";
import type { Rendering } from "./rendering.ts";

const id = "protobuf";

export interface ProtobufParts extends Pick<Rendering, "id"> {
  readonly kind: string;
  readonly apiVersion: string;
  /** The object's message, without the envelope. */
  readonly raw: (entry: Entry) => Uint8Array;
}

export function protobufRendering(cache: ObjectCache): Rendering {
  const { ref } = cache.codec.resource;
  const { kind, schema } = ref;
  const apiVersion = apiVersionOf(ref);
  const raw = (entry: Entry): Uint8Array => {
    const ready = entry.encodings?.get(id);
    if (ready !== undefined) return ready;
    const bytes = kubernetesProtobuf.encodeMessage(schema, cache.objectOf(entry));
    (entry.encodings ??= new Map()).set(id, bytes);
    return bytes;
  };
  return protobufOf({ id, kind, apiVersion, raw });
}

/** A representation in protobuf, of the messages that `raw` makes. */
export function protobufOf({ id, kind, apiVersion, raw }: ProtobufParts): Rendering {
  const whole = (entry: Entry): Uint8Array => protobufEnvelope(kind, apiVersion, raw(entry));
  return {
    id,
    contentType: protobufMediaType,
    watchContentType: `${protobufMediaType};stream=watch`,
    object: whole,
    list: (page) =>
      protobufEnvelope(`${kind}List`, apiVersion, protobufList(page, page.entries.map(raw))),
    frame: (type, entry) => protobufFrame(type, whole(entry)),
    failure: protobufFailure,
    bookmark: (revision, isInitialEnd) => {
      const object = bookmarkObject(kind, apiVersion, revision, isInitialEnd);
      return protobufFrame("BOOKMARK", kubernetesProtobuf.encode(object));
    },
  };
}
