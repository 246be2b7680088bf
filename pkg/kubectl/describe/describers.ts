/**
 * What describe says of a kind: one line a kind in the list. A describer names what else it has to
 * read, and writes text; reading is the command's. Kinds without one are shown field by field.
 * Pure.
 */
import type { DaemonSet, Deployment, ReplicaSet } from "../../../api/apps/v1.ts";
import type { Lease } from "../../../api/coordination/v1.ts";
import type { Node, Pod, Service } from "../../../api/core/v1.ts";
import type { EndpointSlice } from "../../../api/discovery/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { since } from "../../machinery/human-duration.ts";
import { revisionsOf } from "../rollout-plan.ts";
import { describeAny } from "./any.ts";
import {
  describeConfigMap,
  describeNamespace,
  describeSecret,
  describeServiceAccount,
} from "./config.ts";
import { selectorText } from "./describe-metadata.ts";
import { describeEndpoints, describeEndpointSlice, describeService } from "./network.ts";
import { describeNode } from "./node.ts";
import { describePod } from "./pod.ts";
import { describeBinding, describeRole } from "./rbac.ts";
import type { TabLines } from "./tab-lines.ts";
import { describeDaemonSet, describeDeployment, describeReplicaSet } from "./workloads.ts";

/** Objects beside the described one that its text needs. */
export interface RelatedQuery {
  /** "replicasets.apps" */
  readonly resource: string;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface Describer {
  readonly related?: (object: KubeObject) => readonly RelatedQuery[];
  /** False where kubectl tells no events of the kind. */
  readonly hasEvents: boolean;
  /** `related`: a list for each query, in their order. */
  readonly write: (object: KubeObject, out: TabLines, given: DescribeGiven) => void;
}
export interface DescribeGiven {
  readonly related: readonly (readonly KubeObject[])[];
  readonly nowMs: number;
}

const ageAt =
  (nowMs: number) =>
  (time: string): string =>
    since(time, nowMs);

const namespaceOf = ({ metadata }: KubeObject) => ({ namespace: metadata?.namespace ?? "" });

/** A describer that needs nothing but the object. */
const simply = <T extends KubeObject>(
  write: (object: T, out: TabLines) => void,
  hasEvents = true,
): Describer => ({ hasEvents, write: (object, out) => write(object as T, out) });

const isControlledBy =
  ({ metadata }: KubeObject) =>
  (object: KubeObject): boolean =>
    object.metadata?.ownerReferences?.some(
      (owner) => owner.controller === true && owner.uid === metadata?.uid,
    ) === true;

const deployment: Describer = {
  hasEvents: true,
  related: (object) => [{ resource: "replicasets.apps", ...namespaceOf(object) }],
  write: (object, out, { related }) =>
    describeDeployment(
      object as Deployment,
      out,
      revisionsOf(object as Deployment, (related[0] ?? []) as readonly ReplicaSet[]),
    ),
};

/** What controls pods is told with how they are. */
const withPods = (
  write: (object: KubeObject, out: TabLines, pods: readonly Pod[]) => void,
): Describer => ({
  hasEvents: true,
  related: (object) => [
    {
      resource: "pods",
      ...namespaceOf(object),
      labelSelector: selectorText((object as ReplicaSet | DaemonSet).spec?.selector),
    },
  ],
  write: (object, out, { related }) =>
    write(object, out, ((related[0] ?? []) as readonly Pod[]).filter(isControlledBy(object))),
});

const service: Describer = {
  hasEvents: true,
  related: (object) => [
    {
      resource: "endpointslices.discovery.k8s.io",
      ...namespaceOf(object),
      labelSelector: `kubernetes.io/service-name=${object.metadata?.name ?? ""}`,
    },
  ],
  write: (object, out, { related }) =>
    describeService(object as Service, out, (related[0] ?? []) as readonly EndpointSlice[]),
};

const node: Describer = {
  hasEvents: true,
  related: ({ metadata }) => [
    {
      resource: "leases.coordination.k8s.io",
      namespace: "kube-node-lease",
      fieldSelector: `metadata.name=${metadata?.name ?? ""}`,
    },
    {
      resource: "pods",
      fieldSelector: [
        `spec.nodeName=${metadata?.name ?? ""}`,
        "status.phase!=Succeeded,status.phase!=Failed",
      ].join(","),
    },
  ],
  write: (object, out, { related, nowMs }) => {
    const lease = (related[0] ?? [])[0] as Lease | undefined;
    const pods = (related[1] ?? []) as readonly Pod[];
    describeNode(object as Node, out, { lease, pods }, ageAt(nowMs));
  },
};

/** By kind, and by group where it is not the core group. */
const describers: Readonly<Record<string, Describer>> = {
  Pod: {
    hasEvents: true,
    write: (object, out, { nowMs }) => describePod(object as Pod, out, ageAt(nowMs)),
  },
  Node: node,
  Service: service,
  Endpoints: simply(describeEndpoints),
  ConfigMap: simply(describeConfigMap),
  Secret: simply(describeSecret, false),
  ServiceAccount: simply(describeServiceAccount),
  Namespace: simply(describeNamespace, false),
  "Deployment.apps": deployment,
  "ReplicaSet.apps": withPods((object, out, pods) =>
    describeReplicaSet(object as ReplicaSet, out, pods),
  ),
  "DaemonSet.apps": withPods((object, out, pods) =>
    describeDaemonSet(object as DaemonSet, out, pods),
  ),
  "EndpointSlice.discovery.k8s.io": simply(describeEndpointSlice),
  "Role.rbac.authorization.k8s.io": simply(describeRole, false),
  "ClusterRole.rbac.authorization.k8s.io": simply(describeRole, false),
  "RoleBinding.rbac.authorization.k8s.io": simply(describeBinding, false),
  "ClusterRoleBinding.rbac.authorization.k8s.io": simply(describeBinding, false),
};

const other: Describer = simply(describeAny);

/** The kind's own describer, or the one that shows fields. Events tell none of themselves. */
export function describerOf(group: string, kind: string): Describer {
  if (kind === "Event") return simply(describeAny, false);
  return describers[group === "" ? kind : `${kind}.${group}`] ?? other;
}
