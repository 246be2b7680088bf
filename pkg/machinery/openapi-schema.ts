/** OpenAPI schemas of messages, as upstream publishes them, in the forms of version 2 and 3. */
import { prose } from "../../api/prose.ts";
import { allResources } from "../../api/resources.ts";
import type { FieldSchema, MessageSchema, Schema } from "./schema.ts";

export type Fields = Readonly<Record<string, unknown>>;
export type OpenApiVersion = 2 | 3;

/** Messages of Kubernetes' libraries have longer names than those of its API groups. */
const prefixes: Readonly<Record<string, string>> = {
  meta: "io.k8s.apimachinery.pkg.apis.meta",
  apiextensions: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions",
  apiregistration: "io.k8s.kube-aggregator.pkg.apis.apiregistration",
};

const scalarNames: Readonly<Record<string, string>> = {
  quantity: "io.k8s.apimachinery.pkg.api.resource.Quantity",
  intOrString: "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
  time: "io.k8s.apimachinery.pkg.apis.meta.v1.Time",
  microTime: "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime",
  rawExtension: "io.k8s.apimachinery.pkg.runtime.RawExtension",
  fieldsV1: "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1",
  json: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON",
  schemaOrArray: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
  schemaOrBool: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
  schemaOrStrings:
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
};

/** Schemas of the scalars that have a name, in version 3. */
const namedScalars: Readonly<Record<string, Fields>> = {
  quantity: { oneOf: [{ type: "string" }, { type: "number" }] },
  intOrString: { format: "int-or-string", oneOf: [{ type: "integer" }, { type: "string" }] },
  time: { format: "date-time", type: "string" },
  microTime: { format: "date-time", type: "string" },
  rawExtension: { type: "object" },
  fieldsV1: { type: "object" },
};
/** Version 2 has no oneOf. */
const namedScalarsV2: Readonly<Record<string, Fields>> = {
  ...namedScalars,
  quantity: { type: "string" },
  intOrString: { format: "int-or-string", type: "string" },
};

const plainScalars: Readonly<Record<string, Fields>> = {
  string: { type: "string" },
  duration: { type: "string" },
  bool: { type: "boolean" },
  int32: { type: "integer", format: "int32" },
  int64: { type: "integer", format: "int64" },
  uint32: { type: "integer", format: "int64" },
  double: { type: "number", format: "double" },
  bytes: { type: "string", format: "byte" },
};

const zeros: Readonly<Record<string, unknown>> = {
  string: "",
  int32: 0,
  int64: 0,
  double: 0,
  bool: false,
};

/** "core.v1.Pod" → "io.k8s.api.core.v1.Pod"; a named scalar by its own name. */
export function openApiName(key: string): string {
  const scalar = scalarNames[key];
  if (scalar !== undefined) return scalar;
  const [group = "", ...rest] = key.split(".");
  return [prefixes[group] ?? `io.k8s.api.${group}`, ...rest].join(".");
}

const referencePath = { 2: "#/definitions/", 3: "#/components/schemas/" } as const;

export const referenceTo = (key: string, version: OpenApiVersion): Fields => ({
  $ref: `${referencePath[version]}${openApiName(key)}`,
});

/** The keys of what a message refers to, named scalars among them. */
export const referencesOf = (message: MessageSchema): readonly string[] =>
  [...message.properties.values()]
    .map(({ type }) => type)
    .filter((type) => plainScalars[type] === undefined);

export const isNamedScalar = (key: string): boolean => scalarNames[key] !== undefined;

export const namedScalarSchema = (key: string, version: OpenApiVersion): Fields =>
  (version === 2 ? namedScalarsV2 : namedScalars)[key] ?? {};

/** One value: in a list, in a map, or alone. */
const single = ({ type }: FieldSchema, version: OpenApiVersion): Fields =>
  plainScalars[type] ?? referenceTo(type, version);

function shaped(field: FieldSchema, version: OpenApiVersion): Fields {
  const one = single(field, version);
  switch (field.shape) {
    case "list":
      return { type: "array", items: one };
    case "map":
      return { type: "object", additionalProperties: one };
    case "map-of-lists":
      return { type: "object", additionalProperties: { type: "array", items: one } };
    case "one":
      return version === 3 && "$ref" in one ? { allOf: [one] } : one;
  }
}

/** Version 3 names the default, which is the zero value for what Go always writes. */
function defaultOf(field: FieldSchema): Fields {
  if (field.default !== undefined) return { default: field.default };
  if (field.pointer || field.shape !== "one" || field.number === 0) return {};
  if (field.isMessage) return { default: {} };
  const zero = zeros[field.type];
  return field.omit === "never" && zero !== undefined ? { default: zero } : {};
}

function extensions(field: FieldSchema): Fields {
  const { listType, listKeys, mapType, patchStrategies, mergeKey } = field;
  return {
    ...(listKeys.length === 0 ? {} : { "x-kubernetes-list-map-keys": listKeys }),
    ...(listType === undefined ? {} : { "x-kubernetes-list-type": listType }),
    ...(mapType === undefined ? {} : { "x-kubernetes-map-type": mapType }),
    ...(mergeKey === undefined ? {} : { "x-kubernetes-patch-merge-key": mergeKey }),
    ...(patchStrategies.length === 0
      ? {}
      : { "x-kubernetes-patch-strategy": patchStrategies.join(",") }),
  };
}

const describe = (text: string | undefined): Fields =>
  text === undefined ? {} : { description: text };

/** What stands in every kind. */
const kindProse: Readonly<Record<string, string>> = {
  kind: "The type of this object, in CamelCase: Pod, Deployment.",
  apiVersion: "The group and version of the API that the object is written in: v1, apps/v1.",
  metadata: "Name, namespace, labels, annotations and what the server keeps about the object.",
  spec: "What is wanted.",
  status: "What is, as last seen. Written by the cluster.",
  items: "The objects.",
};

function propertyOf(field: FieldSchema, key: string, version: OpenApiVersion): Fields {
  return {
    ...describe(prose[key]?.[field.name] ?? kindProse[field.name]),
    ...(version === 3 ? defaultOf(field) : {}),
    ...shaped(field, version),
    ...extensions(field),
  };
}

/** Real names of the groups, by the first part of a message's key. */
const groupNames: ReadonlyMap<string, string> = new Map(
  allResources.map(({ schema, group }) => [schema.split(".")[0] ?? "", group]),
);

/** Kinds that clients send to every group, and so belong to all of them. */
const everywhere: ReadonlySet<string> = new Set(["meta.v1.DeleteOptions", "meta.v1.WatchEvent"]);

export function groupVersionKinds(key: string): readonly Fields[] {
  const [folder = "", version = "", kind = ""] = key.split(".");
  const own = { group: groupNames.get(folder) ?? "", kind, version };
  if (!everywhere.has(key)) return [own];
  const groups = new Map(allResources.map((one) => [`${one.group}/${one.version}`, one]));
  return [...groups.values()].map((one) => ({ group: one.group, kind, version: one.version }));
}

const isKind = (message: MessageSchema): boolean =>
  message.properties.has("apiVersion") && message.properties.get("apiVersion")?.number === 0;

/** The schema of one message. */
export function schemaOf(message: MessageSchema, version: OpenApiVersion): Fields {
  const { key, properties, mapType, unions } = message;
  const fields = [...properties.values()];
  const required = fields.filter((field) => field.required).map(({ name }) => name);
  const isNamed = isKind(message) || everywhere.has(key);
  return {
    ...describe(prose[key]?.[""]),
    type: "object",
    ...(fields.length === 0
      ? {}
      : {
          properties: Object.fromEntries(
            fields.map((field) => [field.name, propertyOf(field, key, version)]),
          ),
        }),
    ...(required.length === 0 ? {} : { required }),
    ...(isNamed ? { "x-kubernetes-group-version-kind": groupVersionKinds(key) } : {}),
    ...(mapType === undefined ? {} : { "x-kubernetes-map-type": mapType }),
    ...(unions.length === 0 ? {} : { "x-kubernetes-unions": unions }),
  };
}

/** Schemas of `keys` and of all that they refer to, by their OpenAPI names, sorted. */
export function schemasOf(
  schema: Schema,
  keys: Iterable<string>,
  version: OpenApiVersion,
): Readonly<Record<string, Fields>> {
  const found = new Map<string, Fields>();
  const waiting = [...keys];
  for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
    const name = openApiName(key);
    if (found.has(name)) continue;
    const message = schema.message(key);
    if (message === undefined) {
      found.set(name, namedScalarSchema(key, version));
      continue;
    }
    found.set(name, schemaOf(message, version));
    waiting.push(...referencesOf(message));
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
