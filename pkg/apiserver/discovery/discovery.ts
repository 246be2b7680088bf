/**
 * What a client can ask for: the legacy discovery documents and the aggregated one, out of the
 * refs of the kinds that are served. Pure; made once, and anew when the kinds change.
 */
import { createHash } from "node:crypto";
import { apiVersionOf, type ResourceRef, type SubresourceRef } from "../../../api/resource.ts";

/** What discovery needs to know of a kind. */
export interface DiscoveredKind {
  readonly ref: ResourceRef;
}

interface GroupVersions {
  readonly group: string;
  readonly versions: readonly string[];
}

/** Upstream's order of groups: clients show kinds in it. */
const groupOrder: readonly string[] = [
  "",
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "resource.k8s.io",
  "flowcontrol.apiserver.k8s.io",
  "storagemigration.k8s.io",
];

const rank = (group: string): number => {
  const at = groupOrder.indexOf(group);
  return at < 0 ? groupOrder.length : at;
};
/** Newest first, as upstream prefers: v2 before v1. */
const byVersion = (a: string, b: string): number => b.localeCompare(a, "en", { numeric: true });

export function groupsOf(refs: readonly ResourceRef[]): readonly GroupVersions[] {
  const versions = new Map<string, Set<string>>();
  for (const { group, version } of refs) {
    const known = versions.get(group);
    if (known === undefined) versions.set(group, new Set([version]));
    else known.add(version);
  }
  return [...versions]
    .map(([group, known]) => ({ group, versions: [...known].sort(byVersion) }))
    .sort((a, b) => rank(a.group) - rank(b.group) || a.group.localeCompare(b.group));
}

export const apiVersions = (serverAddress: string) => ({
  kind: "APIVersions",
  versions: ["v1"],
  serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
});

function groupFields({ group, versions }: GroupVersions) {
  const listed = versions.map((version) => ({
    groupVersion: apiVersionOf({ group, version }),
    version,
  }));
  return { name: group, versions: listed, preferredVersion: listed[0] };
}

export const apiGroupList = (refs: readonly ResourceRef[]) => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: groupsOf(refs)
    .filter(({ group }) => group !== "")
    .map(groupFields),
});

export function apiGroup(refs: readonly ResourceRef[], name: string) {
  const found = groupsOf(refs).find(({ group }) => group === name);
  if (found === undefined || name === "") return undefined;
  return { kind: "APIGroup", apiVersion: "v1", ...groupFields(found) };
}

/** /api/v1 and /apis/apps/v1; undefined when nothing of that version is served. */
export function apiResourceList(refs: readonly ResourceRef[], group: string, version: string) {
  const own = refs.filter((ref) => ref.group === group && ref.version === version);
  if (own.length === 0) return undefined;
  const resources = own.flatMap((ref) => [
    resourceFields(ref),
    ...ref.subresources.map((subresource) => subresourceFields(ref, subresource)),
  ]);
  return {
    kind: "APIResourceList",
    ...(group === "" ? {} : { apiVersion: "v1" }),
    groupVersion: apiVersionOf({ group, version }),
    resources: resources.sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

const resourceFields = (ref: ResourceRef) => ({
  name: ref.plural,
  singularName: ref.singular,
  namespaced: ref.namespaced,
  kind: ref.kind,
  verbs: ref.verbs,
  ...(ref.shortNames.length === 0 ? {} : { shortNames: ref.shortNames }),
  ...(ref.categories.length === 0 ? {} : { categories: ref.categories }),
  ...(ref.verbs.includes("create") && ref.verbs.includes("list")
    ? { storageVersionHash: storageVersionHash(ref) }
    : {}),
});

/** Kinds that upstream stores in another version than the one asked for. */
const storedIn: Readonly<Record<string, string>> = {
  "events.k8s.io/v1/Event": "/v1",
  "autoscaling/v1/HorizontalPodAutoscaler": "autoscaling/v2",
  "certificates.k8s.io/v1/ClusterTrustBundle": "certificates.k8s.io/v1beta1",
  "certificates.k8s.io/v1/PodCertificateRequest": "certificates.k8s.io/v1beta1",
  "apiextensions.k8s.io/v1/CustomResourceDefinition": "apiextensions.k8s.io/v1beta1",
  "resource.k8s.io/v1/DeviceTaintRule": "resource.k8s.io/v1beta2",
  "storagemigration.k8s.io/v1/StorageVersionMigration": "storagemigration.k8s.io/v1beta1",
};

/** Upstream's: tells clients whether two paths lead to the same stored objects. */
function storageVersionHash({ group, version, kind }: ResourceRef): string {
  const stored = storedIn[`${group}/${version}/${kind}`] ?? `${group}/${version}`;
  return createHash("sha256")
    .update(`${stored}/${kind}`)
    .digest()
    .subarray(0, 8)
    .toString("base64");
}

const subresourceFields = (
  ref: ResourceRef,
  { name, kind, group, version, verbs }: SubresourceRef,
) => ({
  name: `${ref.plural}/${name}`,
  singularName: "",
  namespaced: ref.namespaced,
  ...(group === undefined ? {} : { group }),
  ...(version === undefined ? {} : { version }),
  kind,
  verbs,
});

/** `apidiscovery.k8s.io/v2`; `isCore` chooses between /api and /apis. */
export const aggregatedDiscovery = (refs: readonly ResourceRef[], isCore: boolean) => ({
  kind: "APIGroupDiscoveryList",
  apiVersion: "apidiscovery.k8s.io/v2",
  metadata: {},
  items: groupsOf(refs)
    .filter(({ group }) => (group === "") === isCore)
    .map(({ group, versions }) => ({
      metadata: group === "" ? {} : { name: group },
      versions: versions.map((version) => ({
        version,
        resources: refs
          .filter((ref) => ref.group === group && ref.version === version)
          .map(discoveredResource)
          .sort((a, b) => (a.resource < b.resource ? -1 : 1)),
        freshness: "Current",
      })),
    })),
});

/** Group and version are "" where they are those of the document around. */
const responseKind = ({ kind }: { readonly kind: string }, group = "", version = "") => ({
  group,
  version,
  kind,
});

const discoveredResource = (ref: ResourceRef) => ({
  resource: ref.plural,
  responseKind: responseKind(ref),
  scope: ref.namespaced ? "Namespaced" : "Cluster",
  singularResource: ref.singular,
  verbs: ref.verbs,
  ...(ref.shortNames.length === 0 ? {} : { shortNames: ref.shortNames }),
  ...(ref.categories.length === 0 ? {} : { categories: ref.categories }),
  ...(ref.subresources.length === 0
    ? {}
    : {
        subresources: ref.subresources.map((one) => ({
          subresource: one.name,
          responseKind: responseKind(one, one.group, one.version),
          verbs: one.verbs,
        })),
      }),
});
