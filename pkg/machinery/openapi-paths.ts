/** OpenAPI paths of resources: what each accepts and gives, in the forms of version 2 and 3. */
import { apiVersionOf, type ResourceRef, type SubresourceRef } from "../../api/resource.ts";
import { protobufMediaType } from "./kube-protobuf.ts";
import { referenceTo, type Fields, type OpenApiVersion } from "./openapi-schema.ts";
import { schemaKeyOf } from "./schema-key.ts";

const mediaTypes = ["application/json", "application/yaml", protobufMediaType];
const patchTypes = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
  "application/apply-patch+yaml",
];

type Location = "query" | "path";
type ParameterType = "string" | "boolean" | "integer";
type ParameterSpec = readonly [name: string, type: ParameterType, text: string];

const pathTexts: Readonly<Record<string, string>> = {
  name: "Name of the object.",
  namespace: "Namespace of the object.",
};
const pretty: ParameterSpec = ["pretty", "string", "When 'true', the answer is indented."];
const listing: readonly ParameterSpec[] = [
  ["allowWatchBookmarks", "boolean", "A watch may send bookmarks."],
  ["continue", "string", "Token of the page before."],
  ["fieldSelector", "string", "Only objects whose fields have these values."],
  ["labelSelector", "string", "Only objects that have these labels."],
  ["limit", "integer", "At most so many objects a page."],
  ["resourceVersion", "string", "How new the answer must be."],
  ["resourceVersionMatch", "string", "NotOlderThan or Exact."],
  ["sendInitialEvents", "boolean", "A watch begins with all objects."],
  ["timeoutSeconds", "integer", "The request ends after so many seconds."],
  ["watch", "boolean", "Go on with changes as they come."],
];
const writing: readonly ParameterSpec[] = [
  ["dryRun", "string", "'All': do everything but keep nothing."],
  ["fieldManager", "string", "Who is said to own the fields that are set."],
  ["fieldValidation", "string", "Ignore, Warn or Strict: what unknown fields lead to."],
];
const forcing: ParameterSpec = ["force", "boolean", "Take fields over that others own."];
const deleting: readonly ParameterSpec[] = [
  ["dryRun", "string", "'All': do everything but keep nothing."],
  ["gracePeriodSeconds", "integer", "Time to end in; zero is at once."],
  ["orphanDependents", "boolean", "Replaced by propagationPolicy."],
  ["propagationPolicy", "string", "Orphan, Background or Foreground."],
];

function parameter([name, type, text]: ParameterSpec, where: Location, v: OpenApiVersion): Fields {
  const isRequired = where === "path" ? { required: true } : {};
  const start = { name, in: where, description: text, ...isRequired };
  return v === 2
    ? { ...start, type, uniqueItems: true }
    : { ...start, schema: { type, uniqueItems: true } };
}

interface Operation {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** x-kubernetes-action, and the start of the operation's id. */
  readonly action: string;
  readonly idVerb: string;
  /** Behind the group and version. */
  readonly idMiddle?: string;
  readonly parameters: readonly ParameterSpec[];
  readonly sends?: string;
  /** Absent: text. */
  readonly gives?: string;
  readonly codes: readonly number[];
}

const patchKey = "meta.v1.Patch";
const statusKey = "meta.v1.Status";
const optionsKey = "meta.v1.DeleteOptions";

/** On the whole collection. */
const collectionOperations = (kind: string, list: string): Readonly<Record<string, Operation>> => ({
  list: {
    method: "get",
    action: "list",
    idVerb: "list",
    parameters: listing,
    gives: list,
    codes: [200],
  },
  create: {
    method: "post",
    action: "post",
    idVerb: "create",
    parameters: writing,
    sends: kind,
    gives: kind,
    codes: [200, 201, 202],
  },
  deletecollection: {
    method: "delete",
    action: "deletecollection",
    idVerb: "delete",
    idMiddle: "Collection",
    parameters: [...deleting, ...listing.filter(([name]) => !/watch|Bookmarks/.test(name))],
    sends: optionsKey,
    gives: statusKey,
    codes: [200],
  },
});

/** On one object, or on a part of it. */
const objectOperations = (kind: string): Readonly<Record<string, Operation>> => ({
  get: {
    method: "get",
    action: "get",
    idVerb: "read",
    parameters: [],
    gives: kind,
    codes: [200],
  },
  update: {
    method: "put",
    action: "put",
    idVerb: "replace",
    parameters: writing,
    sends: kind,
    gives: kind,
    codes: [200, 201],
  },
  patch: {
    method: "patch",
    action: "patch",
    idVerb: "patch",
    parameters: [...writing, forcing],
    sends: patchKey,
    gives: kind,
    codes: [200, 201],
  },
  delete: {
    method: "delete",
    action: "delete",
    idVerb: "delete",
    parameters: deleting,
    sends: optionsKey,
    gives: statusKey,
    codes: [200, 202],
  },
});

const methods = {
  get: "get",
  create: "post",
  update: "put",
  patch: "patch",
  delete: "delete",
} as const;

/** A stream (exec, proxy): nothing of what it carries has a schema. */
const isConnection = ({ kind }: SubresourceRef): boolean => kind.endsWith("Options");

const connectOperations: Readonly<Record<string, Operation>> = Object.fromEntries(
  Object.entries(methods).map(([verb, method]) => [
    verb,
    {
      method,
      action: "connect",
      idVerb: "connect",
      idMiddle: method.slice(0, 1).toUpperCase() + method.slice(1),
      parameters: [],
      codes: [200],
    },
  ]),
);

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);

/** "rbac.authorization.k8s.io", "v1" → "RbacAuthorizationV1" */
const groupId = ({ group, version }: ResourceRef): string =>
  `${(group === "" ? "core" : group)
    .replace(/\.k8s\.io$/, "")
    .split(".")
    .map(capital)
    .join("")}${capital(version)}`;

interface Target {
  readonly ref: ResourceRef;
  readonly kind: { readonly group: string; readonly version: string; readonly kind: string };
  readonly path: string;
  /** "Pod", "PodStatus": the end of an operation's id. */
  readonly idEnd: string;
}

function body(sends: string, method: string, version: OpenApiVersion): Fields {
  const schema = referenceTo(sends, version);
  if (version === 2) return { name: "body", in: "body", required: sends !== optionsKey, schema };
  const types = method === "patch" ? patchTypes : mediaTypes;
  const content = Object.fromEntries(types.map((type) => [type, { schema }]));
  return { content, ...(sends === optionsKey ? {} : { required: true }) };
}

const meanings: Readonly<Record<number, string>> = { 200: "OK", 201: "Created", 202: "Accepted" };

function answers({ codes, gives }: Operation, version: OpenApiVersion): Fields {
  const schema = gives === undefined ? { type: "string" } : referenceTo(gives, version);
  const carried =
    version === 2
      ? { schema }
      : { content: Object.fromEntries(mediaTypes.map((type) => [type, { schema }])) };
  const good = codes.map((code) => [code, { description: meanings[code], ...carried }] as const);
  return { ...Object.fromEntries(good), 401: { description: "Unauthorized" } };
}

function operationOf(operation: Operation, target: Target, version: OpenApiVersion): Fields {
  const { action, idVerb, idMiddle = "", method, parameters, sends } = operation;
  const { ref, kind, idEnd } = target;
  const query = parameters.map((one) => parameter(one, "query", version));
  const sent = sends === undefined ? undefined : body(sends, method, version);
  const v2 = {
    schemes: ["https"],
    consumes: method === "patch" ? patchTypes : ["*/*"],
    produces: mediaTypes,
  };
  const all = version === 2 && sent !== undefined ? [sent, ...query] : query;
  return {
    description: `${action} ${kind.kind}`,
    operationId: `${idVerb}${groupId(ref)}${idMiddle}${idEnd}`,
    tags: [`${ref.group === "" ? "core" : ref.group.replace(/\.k8s\.io$/, "")}_${ref.version}`],
    ...(version === 2 ? v2 : {}),
    ...(all.length === 0 ? {} : { parameters: all }),
    ...(version === 3 && sent !== undefined ? { requestBody: sent } : {}),
    responses: answers(operation, version),
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": kind,
  };
}

function pathItem(
  operations: Readonly<Record<string, Operation>>,
  verbs: readonly string[],
  target: Target,
  version: OpenApiVersion,
): readonly (readonly [string, Fields])[] {
  const served = verbs.flatMap((verb) => operations[verb] ?? []);
  if (served.length === 0) return [];
  const names = [...target.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const parameters = [
    ...names.map((name) =>
      parameter([name, "string", pathTexts[name] ?? "Rest of the path."], "path", version),
    ),
    parameter(pretty, "query", version),
  ];
  const entries = served.map((one) => [one.method, operationOf(one, target, version)] as const);
  return [[target.path, { ...Object.fromEntries(entries), parameters }]];
}

/** "/api/v1" or "/apis/apps/v1" */
export const rootOf = (ref: Pick<ResourceRef, "group" | "version">): string =>
  `${ref.group === "" ? "/api" : "/apis"}/${apiVersionOf(ref)}`;

function subresourcePaths(
  ref: ResourceRef,
  sub: SubresourceRef,
  path: string,
  version: OpenApiVersion,
): readonly (readonly [string, Fields])[] {
  const { group = ref.group, version: kindVersion = ref.version, kind } = sub;
  const key = schemaKeyOf(apiVersionOf({ group, version: kindVersion }), kind);
  if (key === undefined) return [];
  const end = sub.name.split("/").map(capital).join("");
  const target: Target = {
    ref,
    kind: { group, version: kindVersion, kind },
    path: `${path}/${sub.name}`,
    idEnd: `${ref.namespaced ? "Namespaced" : ""}${ref.kind}${end}`,
  };
  if (isConnection(sub)) return pathItem(connectOperations, sub.verbs, target, version);
  const { create } = collectionOperations(key, key);
  const operations = { ...objectOperations(key), ...(create === undefined ? {} : { create }) };
  return pathItem(operations, sub.verbs, target, version);
}

/** Every path of a resource, with its subresources. */
export function pathsOf(
  ref: ResourceRef,
  version: OpenApiVersion,
): readonly (readonly [path: string, item: Fields])[] {
  const { group, version: kindVersion, kind, plural, namespaced, verbs, schema } = ref;
  const root = rootOf(ref);
  const collection = `${root}${namespaced ? "/namespaces/{namespace}" : ""}/${plural}`;
  const target = (path: string, idEnd: string): Target => ({
    ref,
    kind: { group, version: kindVersion, kind },
    path,
    idEnd,
  });
  const id = `${namespaced ? "Namespaced" : ""}${kind}`;
  const onAll = collectionOperations(schema, `${schema}List`);
  const everywhere = verbs.includes("list") && namespaced ? ["list"] : [];
  const one = `${collection}/{name}`;
  return [
    ...pathItem(onAll, everywhere, target(`${root}/${plural}`, `${kind}ForAllNamespaces`), version),
    ...pathItem(onAll, verbs, target(collection, id), version),
    ...pathItem(objectOperations(schema), verbs, target(one, id), version),
    ...ref.subresources.flatMap((sub) => subresourcePaths(ref, sub, one, version)),
  ];
}

/** Keys of the messages that a resource's paths refer to. */
export function messagesOf(ref: ResourceRef): readonly string[] {
  const parts = ref.subresources.filter((sub) => !isConnection(sub));
  const verbs = new Set([...ref.verbs, ...parts.flatMap((sub) => sub.verbs)]);
  const kinds = parts.flatMap(({ group = ref.group, version = ref.version, kind }) => {
    const key = schemaKeyOf(apiVersionOf({ group, version }), kind);
    return key === undefined ? [] : [key];
  });
  return [
    ref.schema,
    ...kinds,
    ...(verbs.has("patch") ? [patchKey] : []),
    ...(verbs.has("list") ? [`${ref.schema}List`] : []),
    ...(verbs.has("watch") ? ["meta.v1.WatchEvent"] : []),
    ...(verbs.has("delete") || verbs.has("deletecollection") ? [statusKey, optionsKey] : []),
  ];
}
