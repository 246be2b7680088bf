/**
 * One object as the cache keeps it: its JSON bytes, ready to be sent, and what selectors ask about.
 * Every text that we write begins with kind, apiVersion and metadata, so that the resourceVersion,
 * which only storage can give, is spliced into the bytes instead of being serialised with them.
 */
import type { KubeObject } from "../../../api/resource.ts";

export type Labels = Readonly<Record<string, string>>;
export const noLabels: Labels = {};

export interface Entry {
  readonly key: string;
  /** "" for cluster-scoped kinds. */
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  readonly labels: Labels;
  /** Values of the kind's field labels, in the order of `Resource.fieldLabels`. */
  readonly fields: readonly string[];
  /** The object as JSON, with metadata.resourceVersion first in its metadata. */
  readonly json: Buffer;
  /** Decoded, while the cache affords it: ask `ObjectCache.objectOf`. */
  object: KubeObject | undefined;
  /** Other encodings by the name of their rendering, made when first asked for. */
  encodings: Map<string, Uint8Array> | undefined;
}

/** Where things stand in the bytes of a kind's objects. */
export interface Layout {
  /** `{"kind":"Pod","apiVersion":"v1","metadata":{` */
  readonly head: Buffer;
  /** Where `"metadata"` begins: items of a list leave out the type before it. */
  readonly itemAt: number;
}

export function layoutOf(kind: string, apiVersion: string): Layout {
  const metadata = `"metadata":{`;
  const type = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},`;
  return { head: Buffer.from(type + metadata), itemAt: type.length };
}

const versionField = `"resourceVersion":"`;

/** An object as storage keeps it: JSON without resourceVersion. The object stays as it is. */
export function storedText(object: KubeObject, kind: string, apiVersion: string): string {
  const { kind: _kind, apiVersion: _apiVersion, metadata = {}, ...rest } = object;
  const { resourceVersion: _version, ...own } = metadata;
  return JSON.stringify({ kind, apiVersion, metadata: own, ...rest });
}

/**
 * Memory for bytes that are kept: not a part of Node's pool, of which one object that stays would
 * keep 64 KiB. It takes no longer.
 */
const ownMemory = (bytes: number): Buffer => Buffer.allocUnsafeSlow(bytes);

/** The same for a text; storage keeps what was written for those that watch it. */
export function keptBytes(text: string): Buffer {
  const bytes = ownMemory(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** Bytes as storage has them → bytes as clients get them. */
export function spliceVersion(stored: Uint8Array, layout: Layout, revision: number): Buffer {
  const at = layout.head.length;
  const alone = stored[at] === 0x7d; // "}": nothing else in the metadata
  const field = `${versionField}${revision}"${alone ? "" : ","}`;
  const json = ownMemory(stored.length + field.length);
  json.set(stored.subarray(0, at), 0);
  json.write(field, at, "latin1");
  json.set(stored.subarray(at), at + field.length);
  return json;
}

/** The same object with a later revision: that of its deletion, or of its leaving a selector. */
export function atRevision(entry: Entry, layout: Layout, revision: number): Entry {
  const at = layout.head.length + versionField.length;
  const digits = String(revision);
  const after = at + String(entry.revision).length;
  const json = ownMemory(at + digits.length + entry.json.length - after);
  entry.json.copy(json, 0, 0, at);
  json.write(digits, at, "latin1");
  entry.json.copy(json, at + digits.length, after);
  const { key, namespace, name, labels, fields } = entry;
  return {
    key,
    namespace,
    name,
    revision,
    labels,
    fields,
    json,
    object: undefined,
    encodings: undefined,
  };
}

/** True when stored bytes can be spliced: kind, apiVersion and metadata stand where we put them. */
export const isSpliceable = (bytes: Uint8Array, layout: Layout): boolean =>
  bytes.length > layout.head.length && layout.head.compare(bytes, 0, layout.head.length) === 0;
