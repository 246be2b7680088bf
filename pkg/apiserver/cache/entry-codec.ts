/** Between what storage keeps of one kind and what its cache does. */
import { apiVersionOf, type KubeObject } from "../../../api/resource.ts";
import type { Resource } from "../resource.ts";
import {
  type Entry,
  isSpliceable,
  keptBytes,
  type Labels,
  type Layout,
  layoutOf,
  noLabels,
  spliceVersion,
  storedText,
} from "./entry.ts";

/** An object on its way to storage: serialised once. */
export interface Prepared {
  readonly key: string;
  /** What storage gets. */
  readonly value: Buffer;
  /** Without resourceVersion. */
  readonly object: KubeObject;
  /** Set when the revision is known, by the answer or by the feed, whichever is first. */
  entry: Entry | undefined;
}

/** Reads what we did not write ourselves: protobuf, or JSON in another order. Throws on garbage. */
export type DecodeForeign = (resource: Resource, value: Uint8Array) => KubeObject;

export const sameBytes = (a: Buffer, b: Uint8Array): boolean => a === b || a.equals(b);

const noFields: readonly string[] = [];

export class EntryCodec {
  readonly resource: Resource;
  readonly layout: Layout;
  readonly isNamespaced: boolean;
  /** Beside metadata.name and metadata.namespace, which every kind has. */
  readonly fieldLabels: readonly string[];
  /** Positions in `fieldLabels`. */
  readonly indexedFields: readonly number[];
  readonly #kind: string;
  readonly #apiVersion: string;
  readonly #fieldsOf: readonly ((object: KubeObject) => string)[];
  readonly #decodeForeign: DecodeForeign;
  readonly #onGarbage: (key: string, error: unknown) => void;

  constructor(
    resource: Resource,
    decodeForeign: DecodeForeign,
    onGarbage: (key: string, error: unknown) => void,
  ) {
    this.fieldLabels = Object.keys(resource.fieldLabels ?? {});
    this.resource = resource;
    this.#kind = resource.ref.kind;
    this.#apiVersion = apiVersionOf(resource.ref);
    this.layout = layoutOf(this.#kind, this.#apiVersion);
    this.isNamespaced = resource.ref.namespaced;
    this.indexedFields = (resource.indexedFields ?? []).map((label) =>
      this.fieldLabels.indexOf(label),
    );
    this.#fieldsOf = Object.values(resource.fieldLabels ?? {});
    this.#decodeForeign = decodeForeign;
    this.#onGarbage = onGarbage;
  }

  get prefix(): string {
    return `${this.resource.storagePrefix}/`;
  }

  keyOf(namespace: string, name: string): string {
    const { storagePrefix } = this.resource;
    return this.isNamespaced ? `${storagePrefix}/${namespace}/${name}` : `${storagePrefix}/${name}`;
  }

  /** The one serialisation of a write. */
  prepare(key: string, object: KubeObject): Prepared {
    const text = storedText(object, this.#kind, this.#apiVersion);
    return { key, value: keptBytes(text), object, entry: undefined };
  }

  entryOfPrepared(prepared: Prepared, revision: number): Entry {
    if (prepared.entry?.revision === revision) return prepared.entry;
    const { key, value, object } = prepared;
    const metadata = { ...object.metadata, resourceVersion: String(revision) };
    const json = spliceVersion(value, this.layout, revision);
    prepared.entry = this.#entry(key, revision, json, { ...object, metadata });
    return prepared.entry;
  }

  /** Undefined when the value cannot be read: one broken object must not hide all others. */
  entryOf(key: string, value: Uint8Array, revision: number): Entry | undefined {
    try {
      if (!isSpliceable(value, this.layout)) return this.#foreignEntry(key, value, revision);
      const json = spliceVersion(value, this.layout, revision);
      return this.#entry(key, revision, json, JSON.parse(json.toString()) as KubeObject);
    } catch (error) {
      this.#onGarbage(key, error);
      return undefined;
    }
  }

  #foreignEntry(key: string, value: Uint8Array, revision: number): Entry {
    const decoded = this.#decodeForeign(this.resource, value);
    return this.entryOfPrepared(this.prepare(key, decoded), revision);
  }

  #entry(key: string, revision: number, json: Buffer, object: KubeObject): Entry {
    const { namespace = "", name = "", labels } = object.metadata ?? {};
    const fieldsOf = this.#fieldsOf;
    return {
      key,
      namespace: this.isNamespaced ? namespace : "",
      name,
      revision,
      labels: (labels as Labels | undefined) ?? noLabels,
      fields: fieldsOf.length === 0 ? noFields : fieldsOf.map((read) => read(object)),
      json,
      object,
      encodings: undefined,
    };
  }
}
