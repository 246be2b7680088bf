/**
 * Joins upstream's three publications into one model: the .proto files (types, numbers), the facts
 * of the Go structs (JSON names, pointers, what is left out when empty) and OpenAPI (required,
 * defaults, list and patch keys). Prose is never read.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { GoField } from "./go-fields.ts";
import { parseProto, type ProtoField, type ProtoMessage } from "./proto-file.ts";

export interface OpenApiSchema {
  readonly type?: string;
  readonly format?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, OpenApiSchema>>;
  readonly items?: OpenApiSchema;
  readonly "x-kubernetes-list-type"?: string;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: string;
  readonly "x-kubernetes-patch-strategy"?: string;
  readonly "x-kubernetes-patch-merge-key"?: string;
  readonly "x-kubernetes-unions"?: readonly unknown[];
}

export interface ModelField {
  readonly json: string;
  /** 0: not in protobuf (kind and apiVersion travel in the envelope). */
  readonly number: number;
  /** A scalar ("string", "int32", "quantity", …) or the key of a message ("core.v1.Pod"). */
  readonly type: string;
  /** The value is a list of lists: a map whose values are lists (extra: map of string lists). */
  readonly shape: "one" | "list" | "map" | "map-of-lists";
  /** The list travels as a message with one repeated field "items". */
  readonly wrapped: boolean;
  readonly inline: boolean;
  readonly pointer: boolean;
  readonly omit: "empty" | "zero" | "never";
  readonly required: boolean;
  readonly schema: OpenApiSchema;
}

export interface ModelMessage {
  /** "core.v1.Pod" */
  readonly key: string;
  readonly isKind: boolean;
  readonly fields: readonly ModelField[];
  readonly unions: readonly unknown[];
  readonly mapType: string;
}

export type Model = ReadonlyMap<string, ModelMessage>;

/** Messages that are one JSON value. */
const scalarTypes: Readonly<Record<string, string>> = {
  "resource.Quantity": "quantity",
  "intstr.IntOrString": "intOrString",
  "runtime.RawExtension": "rawExtension",
  "runtime.Unknown": "unknown",
  "meta.v1.Time": "time",
  "meta.v1.MicroTime": "microTime",
  "meta.v1.Duration": "duration",
  "meta.v1.FieldsV1": "fieldsV1",
  "apiextensions.v1.JSON": "json",
  "apiextensions.v1.JSONSchemaPropsOrArray": "schemaOrArray",
  "apiextensions.v1.JSONSchemaPropsOrBool": "schemaOrBool",
  "apiextensions.v1.JSONSchemaPropsOrStringArray": "schemaOrStrings",
};

const protoFolders = [
  "k8s.io/api",
  "k8s.io/apimachinery/pkg",
  "k8s.io/apiextensions-apiserver/pkg/apis",
  "k8s.io/kube-aggregator/pkg/apis",
  "k8s.io/apiserver/pkg/apis",
];

/** "k8s.io.api.core.v1.Pod" → "core.v1.Pod". */
export const keyOf = (name: string): string =>
  name
    .replace(/^(io\.k8s|k8s\.io)\./, "")
    .replace(/^.*\.(apis|util|pkg\.api)\.(?=[a-z])/, "")
    .replace(/^(api|apimachinery\.pkg)\./, "");

const read = (path: string): string => readFileSync(path, "utf8");

function protoMessages(source: string): ReadonlyMap<string, ProtoMessage> {
  const messages = new Map<string, ProtoMessage>();
  for (const folder of protoFolders) {
    const root = join(source, "proto", folder);
    for (const path of readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
      if (!path.endsWith(".proto")) continue;
      const file = parseProto(read(join(root, path)));
      for (const message of file.messages)
        messages.set(keyOf(`${file.package}.${message.name}`), message);
    }
  }
  return messages;
}

export function openApiSchemas(source: string): ReadonlyMap<string, OpenApiSchema> {
  const schemas = new Map<string, OpenApiSchema>();
  for (const path of readdirSync(join(source, "openapi/v3")).sort()) {
    const document = JSON.parse(read(join(source, "openapi/v3", path)));
    for (const [name, schema] of Object.entries(document.components?.schemas ?? {}))
      schemas.set(keyOf(name), schema as OpenApiSchema);
  }
  return schemas;
}

const goFields = (): Readonly<Record<string, readonly GoField[]>> =>
  JSON.parse(read(join(import.meta.dirname, "go-fields.json")));

/** v1beta1 of apiextensions has no scalars of its own in OpenAPI: they are v1's. */
const scalarOf = (key: string): string | undefined =>
  scalarTypes[key] ?? scalarTypes[key.replace("apiextensions.v1beta1.", "apiextensions.v1.")];

/** `type List metav1.List`: no struct of its own to read tags from; proto names are JSON names. */
const aliasFields = (proto: ProtoMessage): readonly GoField[] =>
  proto.fields.map(({ name, number }) => [number, name, name === "metadata" ? "o" : ""]);

class Joiner {
  readonly #protos: ReadonlyMap<string, ProtoMessage>;
  readonly #schemas: ReadonlyMap<string, OpenApiSchema>;
  readonly #go = goFields();
  readonly #outer = new Map<string, OpenApiSchema>();
  constructor(source: string) {
    this.#protos = protoMessages(source);
    this.#schemas = openApiSchemas(source);
    for (const key of this.#protos.keys()) this.#noteInlined(key, this.#schemas.get(key));
  }

  /** An embedded struct has no schema of its own: its fields are described where it is embedded. */
  #noteInlined(key: string, schema: OpenApiSchema | undefined): void {
    for (const [number, , flags] of this.#go[key] ?? []) {
      const field = this.#protos.get(key)?.fields.find((one) => one.number === number);
      if (!flags.includes("i") || field === undefined || schema === undefined) continue;
      this.#outer.set(keyOf(field.type), schema);
      this.#noteInlined(keyOf(field.type), schema);
    }
  }

  #wrapperItem(key: string): ProtoField | undefined {
    const [only, ...rest] = this.#protos.get(key)?.fields ?? [];
    const isWrapper = only?.name === "items" && rest.length === 0 && this.#go[key] === undefined;
    return isWrapper && only.repeated ? only : undefined;
  }

  #shape(field: ProtoField): Pick<ModelField, "type" | "shape" | "wrapped"> {
    const key = keyOf(field.type);
    const item = this.#wrapperItem(key);
    const type = keyOf(item?.type ?? key);
    const named = { type: scalarOf(type) ?? type, wrapped: item !== undefined };
    if (field.mapKey !== undefined)
      return { ...named, shape: item === undefined ? "map" : "map-of-lists" };
    return { ...named, shape: field.repeated || item !== undefined ? "list" : "one" };
  }

  #field(field: ProtoField, go: GoField, schema: OpenApiSchema | undefined): ModelField {
    const [number, json, flags] = go;
    return {
      json,
      number,
      ...this.#shape(field),
      inline: flags.includes("i"),
      pointer: flags.includes("*"),
      omit: flags.includes("z") ? "zero" : flags.includes("o") ? "empty" : "never",
      required: schema?.required?.includes(json) ?? false,
      schema: schema?.properties?.[json] ?? {},
    };
  }

  message(key: string): ModelMessage | undefined {
    const proto = this.#protos.get(key);
    const go = this.#go[key];
    if (proto === undefined || scalarOf(key) !== undefined) return undefined;
    if (this.#wrapperItem(key) !== undefined) return undefined;
    const schema = this.#schemas.get(key) ?? this.#outer.get(key);
    const fields = (go ?? aliasFields(proto)).flatMap((one) => {
      const field = proto.fields.find(({ number }) => number === one[0]);
      return field === undefined || one[1] === "-" ? [] : [this.#field(field, one, schema)];
    });
    return {
      key,
      isKind: key === "core.v1.List" || (go ?? []).some(([number]) => number === 0),
      fields,
      unions: this.#schemas.get(key)?.["x-kubernetes-unions"] ?? [],
      mapType: this.#schemas.get(key)?.["x-kubernetes-map-type"] ?? "",
    };
  }

  keys(): readonly string[] {
    return [...this.#protos.keys()].sort();
  }
}

export function readModel(source: string): Model {
  const joiner = new Joiner(source);
  const messages = joiner.keys().flatMap((key) => joiner.message(key) ?? []);
  return new Map(messages.map((message) => [message.key, message]));
}
