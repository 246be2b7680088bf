import { describe, expect, it } from "vitest";
import type { Node, Pod } from "../../../api/core/v1.ts";
import {
  certificateSigningRequests,
  clusterRoleBindings,
  clusterRoles,
  leases,
  nodes,
  persistentVolumeClaims,
  pods,
  serviceAccounts,
} from "../../../api/resources.ts";
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import { systemClock } from "../../base/system-clock.ts";
import { writeSigningRequest } from "../../pki/certificate-signing-request.ts";
import { generateKeyPair } from "../../pki/keys.ts";
import { rule } from "../auth/bootstrap-role.ts";
import { FixedObjects } from "../auth/testing/fixed-objects.ts";
import type { Resource } from "../resource.ts";
import type { Admission } from "./admission.ts";
import { restrictedLabels } from "./node-labels.ts";
import { nodeRestriction } from "./node-restriction.ts";

const n1: Node = { metadata: { name: "n1", uid: "node-1", labels: { a: "b" } }, spec: {} };
const onNode = (nodeName: string, more: Partial<NonNullable<Pod["spec"]>> = {}): Pod => ({
  metadata: { namespace: "a", name: "web", uid: "pod-1" },
  spec: { nodeName, containers: [], ...more },
});
const vault = { projected: { sources: [{ serviceAccountToken: { path: "t", audience: "v" } }] } };
const objects = new FixedObjects()
  .put(nodes, n1)
  .put(pods, onNode("n1", { volumes: [{ name: "t", ...vault }] }), {
    ...onNode("n2"),
    metadata: { namespace: "a", name: "other", uid: "pod-2" },
  })
  .put(clusterRoles, {
    metadata: { name: "audience" },
    rules: [rule("request-serviceaccounts-token-audience", "core", "bank")],
  })
  .put(clusterRoleBindings, {
    metadata: { name: "audience" },
    subjects: [{ kind: "Group", name: "system:nodes" }],
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "audience" },
  });

/** What n1's kubelet writes; the answer is why it may not. */
async function refusal(
  ref: ResourceRef,
  object: object,
  more: Partial<Admission> = {},
): Promise<string | undefined> {
  try {
    await nodeRestriction.validate?.({
      verb: "update",
      resource: { ref } as unknown as Resource,
      subresource: "",
      namespace: ref.namespaced ? "a" : "",
      name: (object as KubeObject).metadata?.name ?? "",
      user: { name: "system:node:n1", uid: "", groups: ["system:nodes"], extra: {} },
      dryRun: false,
      object: object as KubeObject,
      before: undefined,
      objects,
      clock: systemClock,
      signal: new AbortController().signal,
      ...more,
    });
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^\S+( "[^"]*")? is forbidden: /, "");
  }
}

describe("its Node", () => {
  const change = (node: Partial<Node>, before: Node = n1) =>
    refusal(nodes, { ...n1, ...node }, { before });
  it("may say what it likes of itself", async () => {
    expect(await change({ status: { phase: "x" } })).toBeUndefined();
    expect(await change({ metadata: { name: "n1", labels: { c: "d" } } })).toBeUndefined();
    expect(await refusal(nodes, n1, { verb: "create" })).toBeUndefined();
  });
  for (const [title, node, why] of [
    [
      "is the only one",
      { metadata: { name: "n2" } },
      'node "n1" is not allowed to modify node "n2"',
    ],
    [
      "keeps its taints",
      { spec: { taints: [{ key: "a", effect: "NoSchedule" }] } },
      'node "n1" is not allowed to modify taints',
    ],
    [
      "keeps its owners",
      {
        metadata: {
          name: "n1",
          ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "x", uid: "y" }],
        },
      },
      'node "n1" is not allowed to modify ownerReferences',
    ],
    [
      "gets its role from others",
      { metadata: { name: "n1", labels: { a: "b", "node-role.kubernetes.io/control-plane": "" } } },
      "is not allowed to modify labels: node-role.kubernetes.io/control-plane",
    ],
  ] as const) {
    it(title, async () => expect(await change(node as Partial<Node>)).toBe(why));
  }
  it("is not born with a role", async () => {
    const labels = { "node-restriction.kubernetes.io/a": "b", "kubernetes.io/hostname": "n1" };
    const born = { metadata: { name: "n1", labels } };
    expect(await refusal(nodes, born, { verb: "create" })).toBe(
      'node "n1" is not allowed to set the following labels: node-restriction.kubernetes.io/a',
    );
  });
  it("is not restricted for others", async () => {
    const user = { name: "admin", uid: "", groups: ["system:masters"], extra: {} };
    expect(
      await refusal(nodes, { metadata: { name: "n2" } }, { user, before: n1 }),
    ).toBeUndefined();
  });
});

describe("restrictedLabels", () => {
  for (const [label, isRestricted] of [
    ["team", false],
    ["example.com/team", false],
    ["kubernetes.io/hostname", false],
    ["topology.kubernetes.io/zone", false],
    ["node.kubernetes.io/anything", false],
    ["x.kubelet.kubernetes.io/anything", false],
    ["kubernetes.io/anything", true],
    ["x.k8s.io/anything", true],
    ["node-role.kubernetes.io/worker", true],
    ["x.node-restriction.kubernetes.io/a", true],
  ] as const) {
    it(`${label} is ${isRestricted ? "not " : ""}the kubelet's`, () => {
      expect(restrictedLabels({ [label]: "" }, {})).toEqual(isRestricted ? [label] : []);
      expect(restrictedLabels({}, { [label]: "" })).toEqual(isRestricted ? [label] : []);
      expect(restrictedLabels({ [label]: "" }, { [label]: "" })).toEqual([]);
    });
  }
});

describe("a mirror pod", () => {
  const owner = { apiVersion: "v1", kind: "Node", name: "n1", uid: "node-1", controller: true };
  const annotations = { "kubernetes.io/config.mirror": "x" };
  const mirror = (spec = {}, metadata = {}): Pod => ({
    metadata: { name: "m", namespace: "a", annotations, ownerReferences: [owner], ...metadata },
    spec: { nodeName: "n1", containers: [], ...spec },
  });
  const volume = (source: object) => ({ volumes: [{ name: "v", ...source }] });
  for (const [title, spec, metadata, why] of [
    ["is the node's own", {}, {}, undefined],
    ["may use the disk", volume({ hostPath: { path: "/" } }), {}, undefined],
    [
      "is marked",
      {},
      { annotations: {} },
      'pod does not have "kubernetes.io/config.mirror" annotation, node "n1" can only create mirror pods',
    ],
    [
      "runs here",
      { nodeName: "n2" },
      {},
      'node "n1" can only create pods with spec.nodeName set to itself',
    ],
    [
      "is owned by this node",
      {},
      { ownerReferences: [] },
      'node "n1" can only create pods with an owner reference set to itself',
    ],
    [
      "is owned by this very node",
      {},
      { ownerReferences: [{ ...owner, uid: "old" }] },
      "node n1 UID mismatch: expected old got node-1",
    ],
    [
      "is controlled by it",
      {},
      { ownerReferences: [{ ...owner, controller: false }] },
      'node "n1" can only create pods with a controller owner reference set to itself',
    ],
    [
      "has no account",
      { serviceAccountName: "x" },
      {},
      'node "n1" can not create pods that reference serviceaccounts',
    ],
    [
      "has no secrets",
      volume({ secret: { secretName: "x" } }),
      {},
      'node "n1" can not create pods that reference secrets',
    ],
    [
      "has no tokens",
      volume({ projected: { sources: [{ serviceAccountToken: { path: "x" } }] } }),
      {},
      'node "n1" can not create pods that reference serviceAccountToken (via projected volumes)',
    ],
    [
      "has no volume of a kind that nobody knows",
      volume({ glusterfs: { endpoints: "x", path: "/" } }),
      {},
      'node "n1" can not create pods that reference glusterfs volumes',
    ],
  ] as const) {
    it(title, async () => {
      expect(await refusal(pods, mirror(spec, metadata), { verb: "create" })).toBe(why);
    });
  }
});

describe("a pod", () => {
  for (const [title, more, why] of [
    ["on the node has its status written", { subresource: "status" }, undefined],
    ["on the node is deleted", { verb: "delete" }, undefined],
    [
      "on the node is not changed otherwise",
      {},
      'unexpected operation "update", node "n1" can only create and delete mirror pods',
    ],
    [
      "elsewhere has not",
      { subresource: "status", before: onNode("n2") },
      'node "n1" can only update pod status for pods with spec.nodeName set to itself',
    ],
    [
      "elsewhere is not deleted",
      { verb: "delete", before: onNode("n2") },
      'node "n1" can only delete pods with spec.nodeName set to itself',
    ],
    [
      "gets no labels through its status",
      {
        subresource: "status",
        before: { ...onNode("n1"), metadata: { name: "web", labels: { a: "b" } } },
      },
      'node "n1" cannot update labels through pod status',
    ],
    [
      "is not looked into",
      { subresource: "ephemeralcontainers" },
      `unexpected pod subresource "ephemeralcontainers", only 'status' and 'eviction' are allowed`,
    ],
  ] as const) {
    it(title, async () => {
      const pod = onNode("n1");
      expect(await refusal(pods, pod, { before: pod, ...(more as Partial<Admission>) })).toBe(why);
    });
  }
});

describe("a token", () => {
  const web = { apiVersion: "v1", kind: "Pod", name: "web", uid: "pod-1" };
  for (const [title, spec, why] of [
    [
      "is for a pod on the node, as the pod says",
      { boundObjectRef: web, audiences: ["v"] },
      undefined,
    ],
    ["is for whom a role says", { boundObjectRef: web, audiences: ["bank"] }, undefined],
    ["is not for itself", {}, "node requested token not bound to a pod"],
    [
      "is for one pod and no other of its name",
      { boundObjectRef: { ...web, uid: "" } },
      "node requested token with a pod binding without a uid",
    ],
    [
      "is not for a pod elsewhere",
      { boundObjectRef: { ...web, name: "other", uid: "pod-2" } },
      "node requested token bound to a pod scheduled on a different node",
    ],
    [
      "is not for whom the pod does not name",
      { boundObjectRef: web, audiences: [] },
      'system:node:n1 is not authorized to request tokens for audience ""',
    ],
    [
      "is for one",
      { boundObjectRef: web, audiences: ["v", "w"] },
      "node may only request 0 or 1 audiences",
    ],
  ] as const) {
    it(title, async () => {
      const more = { verb: "create", subresource: "token", name: "default" } as const;
      expect(await refusal(serviceAccounts, { spec }, more)).toBe(why);
    });
  }
  it("is for a pod that is there", async () => {
    const boundObjectRef = { ...web, name: "gone" };
    const more = { verb: "create", subresource: "token", name: "default" } as const;
    expect(await refusal(serviceAccounts, { spec: { boundObjectRef } }, more)).toBe(
      'pods "gone" not found',
    );
  });
});

describe("other things", () => {
  const csr = (commonName: string, signerName = "kubernetes.io/kubelet-serving") => ({
    metadata: { name: "x" },
    spec: {
      signerName,
      request: btoa(writeSigningRequest({ subject: { commonName } }, generateKeyPair())),
    },
  });
  it("certificates are for the node itself", async () => {
    const ask = (object: object) => refusal(certificateSigningRequests, object, { verb: "create" });
    expect(await ask(csr("system:node:n1"))).toBeUndefined();
    expect(await ask(csr("system:node:n2"))).toBe(
      "can only create a node CSR with CN=system:node:n1",
    );
    expect(await ask(csr("jane", "example.com/a"))).toBeUndefined();
  });
  it("leases are the node's own", async () => {
    const lease = (name: string) => ({ metadata: { name } });
    const where = { verb: "create", namespace: "kube-node-lease" } as const;
    expect(await refusal(leases, lease("n1"), where)).toBeUndefined();
    expect(await refusal(leases, lease("n2"), where)).toBe(
      "can only access node lease with the same name as the requesting node",
    );
    expect(await refusal(leases, lease("n1"), { ...where, namespace: "kube-system" })).toBe(
      'can only access leases in the "kube-node-lease" system namespace',
    );
  });
  it("claims are written by their status", async () => {
    expect(await refusal(persistentVolumeClaims, {}, { subresource: "status" })).toBeUndefined();
    expect(await refusal(persistentVolumeClaims, {})).toBe("may only update PVC status");
  });
});
