import { FieldSelectorError, parseFieldSelector } from "../../machinery/field-selector.ts";
import type { Attributes, Authorize, Decision, UserInfo } from "../auth-contract.ts";
import type { Objects } from "../objects-contract.ts";
import { clusterRoles } from "./bootstrap-roles.ts";
import { NodeGraph, type Vertex } from "./node-graph.ts";
import { ruleAllows } from "./rbac-rule.ts";

const nodesGroup = "system:nodes";
const nodePrefix = "system:node:";
const leaseNamespace = "kube-node-lease";

/** The node that the caller's credentials are of: user system:node:NAME in group system:nodes. */
export const nodeNameOf = ({ name, groups }: UserInfo): string | undefined =>
  name.startsWith(nodePrefix) && name.length > nodePrefix.length && groups.includes(nodesGroup)
    ? name.slice(nodePrefix.length)
    : undefined;

const nodeRules = clusterRoles.find(({ name }) => name === "system:node")?.rules ?? [];

const yes: Decision = { allowed: true, reason: "" };
const no = (reason = ""): Decision => ({ allowed: false, reason });

/** One kind's rule. What it allows for writing, NodeRestriction narrows by what is written. */
type Rule = (asked: Attributes, nodeName: string, graph: NodeGraph) => Decision;

const noPath = (nodeName: string): string =>
  `no relationship found between node '${nodeName}' and this object`;

const related =
  (kind: Vertex["kind"]): Rule =>
  ({ namespace, name }, nodeName, graph) => {
    if (name === "") return no("No Object name found");
    const vertex = { kind, namespace: kind === "volume" ? "" : namespace, name };
    return graph.hasPath(nodeName, vertex) ? yes : no(noPath(nodeName));
  };

const getRelated =
  (kind: Vertex["kind"]): Rule =>
  (asked, nodeName, graph) => {
    if (asked.verb !== "get") return no("can only get individual resources of this type");
    if (asked.subresource !== "") return no("cannot get subresource");
    return related(kind)(asked, nodeName, graph);
  };

const reading: ReadonlySet<string> = new Set(["get", "list", "watch"]);

/** One object at a time: a list or watch must name it (metadata.name=x). */
const readRelated =
  (kind: Vertex["kind"]): Rule =>
  (asked, nodeName, graph) => {
    if (!reading.has(asked.verb)) return no("can only read resources of this type");
    if (asked.subresource !== "") return no("cannot read subresource");
    if (asked.namespace === "") return no("can only read namespaced object of this type");
    return related(kind)(asked, nodeName, graph);
  };

const claims: Rule = (asked, nodeName, graph) => {
  if (asked.subresource !== "status") return getRelated("claim")(asked, nodeName, graph);
  if (asked.verb !== "update" && asked.verb !== "patch") {
    return no("can only get/update/patch this type");
  }
  return related("claim")(asked, nodeName, graph);
};

const accounts: Rule = (asked, nodeName, graph) => {
  const { verb, name, subresource } = asked;
  if (verb === "get" && subresource === "") {
    return readRelated("serviceAccount")(asked, nodeName, graph);
  }
  if (verb !== "create" || name === "") {
    return no("can only create tokens for individual service accounts");
  }
  if (subresource !== "token") return no("can only create token subresource of serviceaccount");
  return related("serviceAccount")(asked, nodeName, graph);
};

const ownVerbs: ReadonlySet<string> = new Set(["get", "create", "update", "patch", "delete"]);

/** Its own lease; of a create the name is not known here. */
const nodeLeases: Rule = ({ verb, namespace, name }, nodeName) => {
  if (!ownVerbs.has(verb)) {
    return no("can only get, create, update, patch, or delete a node lease");
  }
  if (namespace !== leaseNamespace) {
    return no(`can only access leases in the "${leaseNamespace}" system namespace`);
  }
  if (verb === "create" || name === nodeName) return yes;
  return no("can only access node lease with the same name as the requesting node");
};

const csiNodes: Rule = ({ verb, subresource, name }, nodeName) => {
  if (subresource !== "") return no("cannot authorize CSINode subresources");
  if (!ownVerbs.has(verb)) return no("can only get, create, update, patch, or delete a CSINode");
  if (verb === "create" || name === nodeName) return yes;
  return no("can only access CSINode with the same name as the requesting node");
};

const nodes: Rule = ({ verb, subresource, name }, nodeName) => {
  const isWrite = verb === "update" || verb === "patch";
  if (subresource === "status") return isWrite ? yes : no();
  if (subresource !== "") return no();
  if (isWrite || verb === "create") return yes;
  if (!reading.has(verb)) return no();
  if (name === nodeName) return yes;
  const what = name === "" ? "all nodes" : `'${name}'`;
  return no(`node '${nodeName}' cannot read ${what}, only its own Node object`);
};

const podWrites: ReadonlySet<string> = new Set([
  "create ",
  "delete ",
  "update status",
  "patch status",
  "create eviction",
]);

const pods: Rule = (asked, nodeName, graph) => {
  const { verb, subresource, name } = asked;
  if (podWrites.has(`${verb} ${subresource}`)) return yes;
  if (subresource !== "") return no();
  if (verb === "get") return getRelated("pod")(asked, nodeName, graph);
  if (verb !== "list" && verb !== "watch") return no();
  if (isSelected(asked, "spec.nodeName", nodeName)) return yes;
  if (name !== "") return related("pod")(asked, nodeName, graph);
  return no("can only list/watch pods with spec.nodeName field selector");
};

function isSelected({ fieldSelector = "" }: Attributes, field: string, value: string): boolean {
  try {
    return parseFieldSelector(fieldSelector).some(
      (one) => one.field === field && one.operator === "=" && one.value === value,
    );
  } catch (error) {
    if (error instanceof FieldSelectorError) return false;
    throw error;
  }
}

/** Kinds of which a node may reach only its own part; the others go by the static rules. */
const rules: Readonly<Record<string, Rule>> = {
  secrets: readRelated("secret"),
  configmaps: readRelated("configMap"),
  persistentvolumeclaims: claims,
  persistentvolumes: getRelated("volume"),
  serviceaccounts: accounts,
  nodes,
  pods,
  "leases.coordination.k8s.io": nodeLeases,
  "csinodes.storage.k8s.io": csiNodes,
};

/**
 * What a kubelet may do: its own Node, Lease and pods, and of Secrets, ConfigMaps, claims and
 * accounts those that a pod bound to it uses. For all else, the rules of the role system:node,
 * without a binding that could be lost.
 */
export function nodeAuthorizer(objects: Objects): Authorize {
  const graph = new NodeGraph(objects);
  return (asked) => {
    const nodeName = nodeNameOf(asked.user);
    if (nodeName === undefined) return Promise.resolve(no());
    const { apiGroup, resource, resourceRequest } = asked;
    const kind = apiGroup === "" ? resource : `${resource}.${apiGroup}`;
    const rule = resourceRequest && Object.hasOwn(rules, kind) ? rules[kind] : undefined;
    if (rule !== undefined) return Promise.resolve(rule(asked, nodeName, graph));
    return Promise.resolve(nodeRules.some((one) => ruleAllows(one, asked)) ? yes : no());
  };
}
