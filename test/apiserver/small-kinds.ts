/** A few kinds, as small as they can be: what tests of the generic store need of kinds. */
import type { Deployment } from "../../api/apps/v1.ts";
import type { ConfigMap, Namespace, Pod } from "../../api/core/v1.ts";
import type { KubeObject } from "../../api/resource.ts";
import { configMaps, deployments, namespaces, pods } from "../../api/resources.ts";
import type { Column, Resource } from "../../pkg/apiserver/resource.ts";
import { formatLabelSelector } from "../../pkg/machinery/label-selector.ts";

const nameColumn: Column<KubeObject> = {
  name: "Name",
  type: "string",
  format: "name",
  priority: 0,
  cell: ({ metadata }) => metadata?.name ?? "",
};

const smallNamespaces: Resource<Namespace> = {
  ref: namespaces,
  storagePrefix: "/registry/namespaces",
  columns: [nameColumn],
  nameRule: "dns-label",
  prepareForCreate: (namespace) => ({
    ...namespace,
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  }),
  prepareForUpdate: (namespace, before) => ({ ...namespace, spec: before.spec ?? {} }),
  status: {},
  deletion: {
    isPending: ({ spec }) => (spec?.finalizers?.length ?? 0) > 0,
    marked: (namespace) => ({ ...namespace, status: { phase: "Terminating" } }),
  },
};

const smallConfigMaps: Resource<ConfigMap> = {
  ref: configMaps,
  storagePrefix: "/registry/configmaps",
  columns: [nameColumn],
  nameRule: "dns-subdomain",
};

const smallPods: Resource<Pod> = {
  ref: pods,
  storagePrefix: "/registry/pods",
  columns: [
    nameColumn,
    { name: "Phase", type: "string", priority: 0, cell: ({ status }) => status?.phase ?? "" },
  ],
  nameRule: "dns-subdomain",
  fieldLabels: {
    "spec.nodeName": ({ spec }) => spec?.nodeName ?? "",
    "status.phase": ({ status }) => status?.phase ?? "",
  },
  indexedFields: ["spec.nodeName"],
  countsGenerations: true,
  prepareForCreate: (pod) => ({ ...pod, status: { phase: "Pending" } }),
  status: {},
  gracePeriodSeconds: ({ spec }) =>
    spec?.nodeName === undefined ? undefined : (spec.terminationGracePeriodSeconds ?? 30),
  returnsDeleted: true,
};

const smallDeployments: Resource<Deployment> = {
  ref: deployments,
  storagePrefix: "/registry/deployments",
  columns: [nameColumn],
  nameRule: "dns-subdomain",
  countsGenerations: true,
  status: {},
  scale: {
    replicas: ({ spec }) => spec?.replicas ?? 0,
    statusReplicas: ({ status }) => status?.replicas ?? 0,
    selector: ({ spec }) => formatLabelSelector(spec?.selector),
    scaled: (deployment, replicas) =>
      ({ ...deployment, spec: { ...deployment.spec, replicas } }) as Deployment,
  },
};

/** Values of different kinds in one list: each function meets only objects of its own kind. */
export const smallKinds = [
  smallNamespaces,
  smallConfigMaps,
  smallPods,
  smallDeployments,
] as unknown as readonly Resource[];
