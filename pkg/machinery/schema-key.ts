import { kubernetesSchema, type Schema } from "./schema.ts";

/** Groups whose messages are not named after the first label of the group. */
const folders: Readonly<Record<string, string>> = {
  "": "core",
  "internal.apiserver.k8s.io": "apiserverinternal",
  "imagepolicy.k8s.io": "imagepolicy",
};

/** "apps/v1" → ["apps", "v1"], "v1" → ["", "v1"]. */
export function splitApiVersion(apiVersion: string): readonly [group: string, version: string] {
  const slash = apiVersion.indexOf("/");
  return [apiVersion.slice(0, Math.max(slash, 0)), apiVersion.slice(slash + 1)];
}

/**
 * Key of a kind's message: "apps/v1", "Deployment" → "apps.v1.Deployment". Kinds that every group
 * has (Status, DeleteOptions, WatchEvent, …) are those of meta.v1. Undefined: no such kind.
 */
export function schemaKeyOf(
  apiVersion: string,
  kind: string,
  schema: Schema = kubernetesSchema,
): string | undefined {
  const [group, version] = splitApiVersion(apiVersion);
  const folder = folders[group] ?? group.split(".")[0] ?? "";
  return [`${folder}.${version}.${kind}`, `meta.v1.${kind}`].find(
    (key) => schema.message(key)?.properties.has("apiVersion") === true,
  );
}
