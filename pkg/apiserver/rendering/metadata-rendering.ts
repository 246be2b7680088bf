/** `PartialObjectMetadata`: objects without what they are about, for those who need only who. */
import type { Entry } from "../cache/entry.ts";
import type { ObjectCache } from "../cache/object-cache.ts";
import { bookmarkObject, jsonFrame } from "./json-rendering.ts";
import { kubernetesProtobuf } from "../../machinery/kube-protobuf.ts";
import { protobufOf } from "./protobuf-rendering.ts";
import { jsonFailure, listMetaText, type ListPage, type Rendering } from "./rendering.ts";

const kind = "PartialObjectMetadata";
const apiVersion = "meta.k8s.io/v1";
const message = `meta.v1.${kind}`;

export function jsonMetadataRendering(cache: ObjectCache): Rendering {
  const text = (entry: Entry): string => {
    const metadata = JSON.stringify(cache.objectOf(entry).metadata);
    return `{"kind":"${kind}","apiVersion":"${apiVersion}","metadata":${metadata}}`;
  };
  const list = (page: ListPage): Buffer => {
    const items = page.entries.map(text).join(",");
    const type = `{"kind":"${kind}List","apiVersion":"${apiVersion}"`;
    return Buffer.from(`${type},"metadata":${listMetaText(page)},"items":[${items}]}`);
  };
  return {
    id: "json metadata",
    contentType: "application/json",
    watchContentType: "application/json",
    object: (entry) => Buffer.from(text(entry)),
    list,
    frame: (type, entry) => jsonFrame(type, Buffer.from(text(entry))),
    failure: jsonFailure,
    bookmark: (revision, isInitialEnd) => {
      const object = bookmarkObject(kind, apiVersion, revision, isInitialEnd);
      return Buffer.from(`${JSON.stringify({ type: "BOOKMARK", object })}\n`);
    },
  };
}

export const protobufMetadataRendering = (cache: ObjectCache): Rendering =>
  protobufOf({
    id: "protobuf metadata",
    kind,
    apiVersion,
    raw: (entry) =>
      kubernetesProtobuf.encodeMessage(message, { metadata: cache.objectOf(entry).metadata }),
  });
