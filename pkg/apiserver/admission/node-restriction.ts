/**
 * What a kubelet may write, by what it writes: its own Node without the labels that steer others'
 * pods, mirror pods of its own, the status and the end of pods bound to it, tokens for those pods,
 * its own lease, and certificates in its own name. Which kinds it reaches at all, and what it may
 * read: `auth/node-authorizer.ts`.
 */
import type { TokenRequest } from "../../../api/authentication/v1.ts";
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import type { Node, Pod } from "../../../api/core/v1.ts";
import { nodes, pods } from "../../../api/resources.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { parseSigningRequest } from "../../pki/certificate-signing-request.ts";
import { nodeNameOf } from "../auth/node-authorizer.ts";
import { mirrorAnnotation } from "../auth/pod-references.ts";
import { callerMay } from "../auth/rbac-view.ts";
import { forbiddenObject, notFound, qualified } from "../refusals.ts";
import type { Admission, AdmissionPlugin } from "./admission.ts";
import { apiReferenceOf } from "./mirror-pod.ts";
import { restrictedLabels } from "./node-labels.ts";

/** Why the node may not; undefined: it may. */
type Complaint = string | undefined;
type Rule = (admission: Admission, nodeName: string) => Complaint | Promise<Complaint>;

const leaseNamespace = "kube-node-lease";
const quoted = (text: string): string => JSON.stringify(text);

const pod: Rule = (admission, nodeName) => {
  const { verb, subresource, object, before } = admission;
  const who = `node ${quoted(nodeName)}`;
  const its = (before as Pod | undefined)?.spec?.nodeName === nodeName;
  if (subresource === "status") {
    return its
      ? statusComplaint(admission, who)
      : `${who} can only update pod status for pods with spec.nodeName set to itself`;
  }
  if (subresource === "eviction") {
    return its ? undefined : `${who} can only evict pods with spec.nodeName set to itself`;
  }
  if (subresource !== "") {
    const which = `unexpected pod subresource ${quoted(subresource)}`;
    return `${which}, only 'status' and 'eviction' are allowed`;
  }
  if (verb === "create") return mirrorComplaint(object as Pod, admission, nodeName);
  if (verb === "delete") {
    return its ? undefined : `${who} can only delete pods with spec.nodeName set to itself`;
  }
  return `unexpected operation ${quoted(verb)}, ${who} can only create and delete mirror pods`;
};

function statusComplaint({ object, before }: Admission, who: string): Complaint {
  const [now, old] = [object as Pod, before as Pod];
  if (!isSemanticallyEqual(now.metadata?.labels ?? {}, old.metadata?.labels ?? {})) {
    return `${who} cannot update labels through pod status`;
  }
  const [claims, oldClaims] = [now, old].map(({ status }) => status?.resourceClaimStatuses ?? []);
  return isSemanticallyEqual(claims, oldClaims)
    ? undefined
    : `${who} cannot update resource claim statuses`;
}

/** A pod that the node runs from a file: it names nothing of the API, and the node owns it. */
async function mirrorComplaint(
  mirror: Pod,
  { objects, signal }: Admission,
  nodeName: string,
): Promise<Complaint> {
  const { metadata = {}, spec } = mirror;
  const who = `node ${quoted(nodeName)}`;
  if (metadata.annotations?.[mirrorAnnotation] === undefined) {
    const without = `pod does not have ${quoted(mirrorAnnotation)} annotation`;
    return `${without}, ${who} can only create mirror pods`;
  }
  if (spec?.nodeName !== nodeName) {
    return `${who} can only create pods with spec.nodeName set to itself`;
  }
  const [owner, ...more] = metadata.ownerReferences ?? [];
  if (more.length > 0) {
    return `${who} can only create pods with a single owner reference set to itself`;
  }
  const isItself = owner?.apiVersion === "v1" && owner.kind === "Node" && owner.name === nodeName;
  if (!isItself) return `${who} can only create pods with an owner reference set to itself`;
  if (owner.controller !== true) {
    return `${who} can only create pods with a controller owner reference set to itself`;
  }
  if (owner.blockOwnerDeletion === true) {
    return `${who} must not set blockOwnerDeletion on an owner reference`;
  }
  const key = { name: nodeName };
  const node = objects.get(nodes, key) ?? (await objects.read(nodes, key, signal));
  if (node === undefined) throw notFound(nodes, nodeName);
  const uid = node.metadata?.uid ?? "";
  if (owner.uid !== uid) return `node ${nodeName} UID mismatch: expected ${owner.uid} got ${uid}`;
  const kind = apiReferenceOf(mirror);
  return kind === undefined ? undefined : `${who} can not create pods that reference ${kind}`;
}

const node: Rule = ({ verb, object, before, name }, nodeName) => {
  const who = `node ${quoted(nodeName)}`;
  const which = name === "" ? (object.metadata?.name ?? "") : name;
  if (which !== nodeName) return `${who} is not allowed to modify node ${quoted(which)}`;
  if (verb !== "create" && verb !== "update") return undefined;
  const [now, old] = [object as Node, before as Node | undefined];
  const same = (part: (one: Node) => unknown): boolean =>
    old !== undefined && isSemanticallyEqual(part(now) ?? null, part(old) ?? null);
  if (now.spec?.configSource !== undefined && !same(({ spec }) => spec?.configSource)) {
    return `${who} is not allowed to set configSource`;
  }
  if (old !== undefined && !same(({ spec }) => spec?.taints ?? [])) {
    return `${who} is not allowed to modify taints`;
  }
  if (old !== undefined && !same(({ metadata }) => metadata?.ownerReferences ?? [])) {
    return `${who} is not allowed to modify ownerReferences`;
  }
  const labels = restrictedLabels(now.metadata?.labels ?? {}, old?.metadata?.labels ?? {});
  if (labels.length === 0) return undefined;
  return old === undefined
    ? `${who} is not allowed to set the following labels: ${labels.join(", ")}`
    : `is not allowed to modify labels: ${labels.join(", ")}`;
};

/** A token dies with its pod, and the pod is on this node. */
const account: Rule = async (admission, nodeName) => {
  const { verb, subresource, namespace, objects, signal } = admission;
  if (verb !== "create" || subresource !== "token") return undefined;
  const { spec } = admission.object as unknown as TokenRequest;
  const { apiVersion, kind, name = "", uid = "" } = spec?.boundObjectRef ?? {};
  if (apiVersion !== "v1" || kind !== "Pod" || name === "") {
    return "node requested token not bound to a pod";
  }
  if (uid === "") return "node requested token with a pod binding without a uid";
  const key = { namespace, name };
  const found = objects.get(pods, key) ?? (await objects.read(pods, key, signal));
  if (found === undefined) throw notFound(pods, name);
  if (found.metadata?.uid !== uid) {
    const changed = "The object might have been deleted and then recreated";
    return `the UID in the bound object reference (${uid}) does not match the UID in record. ${changed}`;
  }
  if (found.spec?.nodeName !== nodeName) {
    return "node requested token bound to a pod scheduled on a different node";
  }
  return audienceComplaint(spec?.audiences ?? [], found, admission);
};

/** For whom the token is, the pod itself says; or a role does. */
async function audienceComplaint(
  [audience = "", ...more]: readonly string[],
  { spec }: Pod,
  admission: Admission,
): Promise<Complaint> {
  if (more.length > 0) return "node may only request 0 or 1 audiences";
  const isNamed = (spec?.volumes ?? []).some(({ projected }) =>
    (projected?.sources ?? []).some(
      ({ serviceAccountToken: token }) =>
        token !== undefined && (token.audience ?? "") === audience,
    ),
  );
  if (isNamed) return undefined;
  const { namespace, name, user } = admission;
  const verb = "request-serviceaccounts-token-audience";
  const asked = { verb, apiGroup: "", resource: audience, namespace, name };
  if (await callerMay(admission, asked)) return undefined;
  return `${user.name} is not authorized to request tokens for audience ${quoted(audience)}`;
}

const claim: Rule = ({ subresource }) =>
  subresource === "status" ? undefined : "may only update PVC status";

const lease: Rule = ({ namespace, name, object }, nodeName) => {
  if (namespace !== leaseNamespace) {
    return `can only access leases in the "${leaseNamespace}" system namespace`;
  }
  return (name === "" ? object.metadata?.name : name) === nodeName
    ? undefined
    : "can only access node lease with the same name as the requesting node";
};

const csiNode: Rule = ({ name, object }, nodeName) =>
  (name === "" ? object.metadata?.name : name) === nodeName
    ? undefined
    : "can only access CSINode with the same name as the requesting node";

const kubeletSigners: readonly string[] = [
  "kubernetes.io/kubelet-serving",
  "kubernetes.io/kube-apiserver-client-kubelet",
];

const signingRequest: Rule = ({ verb, object }, nodeName) => {
  const { spec } = object as CertificateSigningRequest;
  if (verb !== "create" || !kubeletSigners.includes(spec.signerName)) return undefined;
  const { subject } = parseSigningRequest(Buffer.from(spec.request, "base64").toString("latin1"));
  const wanted = `system:node:${nodeName}`;
  return subject.commonName === wanted ? undefined : `can only create a node CSR with CN=${wanted}`;
};

const rules: Readonly<Record<string, Rule>> = {
  pods: pod,
  nodes: node,
  serviceaccounts: account,
  persistentvolumeclaims: claim,
  "leases.coordination.k8s.io": lease,
  "csinodes.storage.k8s.io": csiNode,
  "certificatesigningrequests.certificates.k8s.io": signingRequest,
};

export const nodeRestriction: AdmissionPlugin = {
  name: "NodeRestriction",
  verbs: ["create", "update", "delete"],
  resources: Object.keys(rules),
  validate: async (admission) => {
    const nodeName = nodeNameOf(admission.user);
    if (nodeName === undefined) return;
    const { ref } = admission.resource;
    const why = await rules[qualified(ref)]?.(admission, nodeName);
    if (why !== undefined) throw forbiddenObject(ref, admission.name, why);
  },
};
