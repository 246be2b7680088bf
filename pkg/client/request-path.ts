import type { ResourceRef } from "../../api/resource.ts";
import type { DeleteOptions, ListOptions, ObjectKey, WriteOptions } from "./client.ts";

/** Parameters of a query; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

type Coordinates = Pick<ResourceRef, "group" | "version" | "plural" | "namespaced">;

/** "/api/v1" or "/apis/apps/v1". */
export const groupVersionPath = ({ group, version }: Pick<ResourceRef, "group" | "version">) =>
  group === "" ? `/api/${version}` : `/apis/${group}/${version}`;

/** Path of a collection; of all namespaces when the kind has them and none is given. */
export function collectionPath(ref: Coordinates, namespace: string | undefined): string {
  const scope =
    ref.namespaced && namespace !== undefined && namespace !== ""
      ? `/namespaces/${encodeURIComponent(namespace)}`
      : "";
  return `${groupVersionPath(ref)}${scope}/${ref.plural}`;
}

/** Path of one object, or of a subresource of it ("status", "binding"). Throws without a name. */
export function objectPath(ref: Coordinates, key: ObjectKey, subresource?: string): string {
  if (key.name === "") throw new TypeError(`a name is needed to address one of ${ref.plural}`);
  if (ref.namespaced && (key.namespace ?? "") === "")
    throw new TypeError(`a namespace is needed to address ${ref.plural} "${key.name}"`);
  const tail = subresource === undefined ? "" : `/${subresource}`;
  return `${collectionPath(ref, key.namespace)}/${encodeURIComponent(key.name)}${tail}`;
}

export function withQuery(path: string, query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") params.set(name, String(value));
  const text = params.toString();
  return text === "" ? path : `${path}?${text}`;
}

export const listQuery = (options: ListOptions): Query => ({
  labelSelector: options.labelSelector,
  fieldSelector: options.fieldSelector,
  limit: options.limit,
  continue: options.continue,
  resourceVersion: options.resourceVersion,
});

export const writeQuery = (options: WriteOptions): Query => ({
  dryRun: options.dryRun === true ? "All" : undefined,
  fieldManager: options.fieldManager,
  fieldValidation: options.fieldValidation,
});

/** `meta/v1.DeleteOptions` as sent in the body. */
export const deleteBody = (options: DeleteOptions): unknown => ({
  kind: "DeleteOptions",
  apiVersion: "v1",
  ...(options.gracePeriodSeconds === undefined
    ? {}
    : { gracePeriodSeconds: options.gracePeriodSeconds }),
  ...(options.propagationPolicy === undefined
    ? {}
    : { propagationPolicy: options.propagationPolicy }),
  ...(options.preconditions === undefined ? {} : { preconditions: options.preconditions }),
});
