import type { Kubectl } from "./command.ts";
import { UsageError } from "../base/flags.ts";
import type { Manifest } from "./manifests.ts";
import type { ApiResource, ResourceMapper } from "./resource-mapper.ts";

export interface PlacedManifest {
  /** The file that it came from. */
  readonly source: string;
  readonly resource: ApiResource;
  /** Absent for cluster-scoped kinds. */
  readonly namespace: string;
  readonly object: Manifest["object"];
}

/** Finds a manifest's resource and namespace, and writes the namespace into the object. */
export function placeManifest(
  kubectl: Kubectl,
  mapper: ResourceMapper,
  { object, source }: Manifest,
): PlacedManifest {
  const resource = mapper.byKind(object.apiVersion ?? "", object.kind ?? "");
  if (resource === undefined) {
    throw new UsageError(
      `resource mapping not found for name: "${object.metadata?.name ?? ""}" ` +
        `namespace: "${object.metadata?.namespace ?? ""}" from "${source}": ` +
        `no matches for kind "${object.kind}" in version "${object.apiVersion}"\n` +
        "ensure CRDs are installed first",
    );
  }
  if (!resource.namespaced) return { source, resource, namespace: "", object };
  const own = object.metadata?.namespace;
  if (kubectl.namespaceIsAsked && own !== undefined && own !== kubectl.namespace) {
    throw new UsageError(
      `the namespace from the provided object "${own}" does not match the namespace "${kubectl.namespace}". You must pass '--namespace=${own}' to perform this operation.`,
    );
  }
  const namespace = own ?? kubectl.namespace;
  return {
    source,
    resource,
    namespace,
    object: { ...object, metadata: { ...object.metadata, namespace } },
  };
}
