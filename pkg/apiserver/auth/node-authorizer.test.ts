import { describe, expect, it } from "vitest";
import type { Pod } from "../../../api/core/v1.ts";
import { persistentVolumeClaims, persistentVolumes, pods } from "../../../api/resources.ts";
import type { Attributes } from "../auth-contract.ts";
import { nodeAuthorizer } from "./node-authorizer.ts";
import { FixedObjects } from "./testing/fixed-objects.ts";

const signal = new AbortController().signal;

/** Refers to what is called after it: web-env, web-volume, … */
const pod = (name: string, nodeName: string | undefined, annotations = {}): Pod => ({
  metadata: { namespace: "a", name, annotations },
  spec: {
    ...(nodeName === undefined ? {} : { nodeName }),
    serviceAccountName: `${name}-account`,
    imagePullSecrets: [{ name: `${name}-pull` }],
    initContainers: [{ name: "i", envFrom: [{ secretRef: { name: `${name}-env-from` } }] }],
    containers: [
      {
        name: "c",
        env: [
          { name: "A", valueFrom: { secretKeyRef: { name: `${name}-env`, key: "a" } } },
          { name: "B", valueFrom: { configMapKeyRef: { name: `${name}-env`, key: "a" } } },
        ],
      },
    ],
    volumes: [
      { name: "s", secret: { secretName: `${name}-volume` } },
      { name: "c", configMap: { name: `${name}-volume` } },
      { name: "p", projected: { sources: [{ secret: { name: `${name}-projected` } }] } },
      { name: "x", csi: { driver: "d", nodePublishSecretRef: { name: `${name}-csi` } } },
      { name: "v", persistentVolumeClaim: { claimName: `${name}-claim` } },
      { name: "e", ephemeral: {} },
    ],
  },
});

const objects = new FixedObjects()
  .put(
    pods,
    pod("web", "n1"),
    pod("other", "n2"),
    pod("free", undefined),
    pod("mirror", "n1", { "kubernetes.io/config.mirror": "x" }),
  )
  .put(persistentVolumeClaims, {
    metadata: { namespace: "a", name: "web-claim" },
    spec: { volumeName: "disk" },
  })
  .put(persistentVolumes, {
    metadata: { name: "disk" },
    spec: {
      csi: {
        driver: "d",
        volumeHandle: "h",
        nodeStageSecretRef: { namespace: "storage", name: "disk-login" },
      },
    },
  });

/** "get secrets a/web" with a field selector behind a "?". */
function asked(text: string, name = "n1"): Attributes {
  const [words = "", fieldSelector] = text.split(" ? ");
  const [verb = "", what = "", where = ""] = words.split(" ");
  const [kind = "", subresource = ""] = what.split("/");
  const [resource = "", ...group] = kind.split(".");
  const [namespace = "", object = ""] = where.split("/");
  return {
    user: { name: `system:node:${name}`, uid: "", groups: ["system:nodes"], extra: {} },
    verb,
    resourceRequest: true,
    path: "",
    apiGroup: group.join("."),
    apiVersion: "v1",
    resource,
    subresource,
    namespace,
    name: object,
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
}

const authorize = nodeAuthorizer(objects);

describe("a node may", () => {
  for (const text of [
    "get secrets a/web-env",
    "get secrets a/web-env-from",
    "get secrets a/web-volume",
    "get secrets a/web-projected",
    "get secrets a/web-pull",
    "get secrets a/web-csi",
    "get secrets storage/disk-login",
    "list secrets a/web-env",
    "watch configmaps a/web-volume",
    "get configmaps a/web-env",
    "get persistentvolumeclaims a/web-claim",
    "get persistentvolumeclaims a/web-e",
    "patch persistentvolumeclaims/status a/web-claim",
    "get persistentvolumes /disk",
    "get serviceaccounts a/web-account",
    "create serviceaccounts/token a/web-account",
    "get pods a/web",
    "list pods ? spec.nodeName=n1",
    "watch pods ? spec.nodeName=n1,status.phase!=Failed",
    "watch pods a/web ? metadata.name=web",
    "create pods a/",
    "delete pods a/anything",
    "patch pods/status a/web",
    "create pods/eviction a/web",
    "get nodes /n1",
    "watch nodes /n1",
    "create nodes",
    "patch nodes/status /n1",
    "get leases.coordination.k8s.io kube-node-lease/n1",
    "create leases.coordination.k8s.io kube-node-lease/",
    "list services",
    "create events a/",
    "create tokenreviews.authentication.k8s.io",
    "create subjectaccessreviews.authorization.k8s.io",
    "create certificatesigningrequests.certificates.k8s.io",
  ]) {
    it(text, async () =>
      expect(await authorize(asked(text), signal)).toMatchObject({ allowed: true }),
    );
  }
});

describe("a node may not", () => {
  const unrelated = "no relationship found between node 'n1' and this object";
  for (const [text, reason] of [
    ["get secrets a/other-env", unrelated],
    ["get secrets b/web-env", unrelated],
    ["get secrets a/free-env", unrelated],
    ["get secrets a/mirror-env", unrelated],
    ["get secrets a/web", unrelated],
    ["get secrets storage/other", unrelated],
    ["list secrets a/", "No Object name found"],
    ["list secrets", "can only read namespaced object of this type"],
    ["create secrets a/", "can only read resources of this type"],
    ["update configmaps a/web-env", "can only read resources of this type"],
    ["list persistentvolumes /disk", "can only get individual resources of this type"],
    ["get persistentvolumeclaims a/other-claim", unrelated],
    ["delete persistentvolumeclaims/status a/web-claim", "can only get/update/patch this type"],
    ["create serviceaccounts/token a/other-account", unrelated],
    ["create serviceaccounts a/", "can only create tokens for individual service accounts"],
    ["get pods a/other", unrelated],
    ["list pods", "can only list/watch pods with spec.nodeName field selector"],
    ["list pods ? spec.nodeName=n2", "can only list/watch pods with spec.nodeName field selector"],
    ["list pods ? spec.nodeName!=n1", "can only list/watch pods with spec.nodeName field selector"],
    ["patch pods a/web", ""],
    ["create pods/exec a/web", ""],
    ["create pods/binding a/web", ""],
    ["get nodes /n2", "node 'n1' cannot read 'n2', only its own Node object"],
    ["list nodes", "node 'n1' cannot read all nodes, only its own Node object"],
    ["delete nodes /n1", ""],
    [
      "get leases.coordination.k8s.io kube-node-lease/n2",
      "can only access node lease with the same name as the requesting node",
    ],
    [
      "get leases.coordination.k8s.io kube-system/n1",
      'can only access leases in the "kube-node-lease" system namespace',
    ],
    [
      "list leases.coordination.k8s.io kube-node-lease/",
      "can only get, create, update, patch, or delete a node lease",
    ],
    ["list deployments.apps", ""],
    ["patch certificatesigningrequests.certificates.k8s.io/approval /a", ""],
  ] as const) {
    it(text, async () =>
      expect(await authorize(asked(text), signal)).toEqual({ allowed: false, reason }),
    );
  }

  it("and who is no node gets nothing from here", async () => {
    const jane = { name: "system:node:n1", uid: "", groups: ["devs"], extra: {} };
    const attributes = { ...asked("get nodes /n1"), user: jane };
    expect(await authorize(attributes, signal)).toEqual({ allowed: false, reason: "" });
  });

  it("what its pods use, once they are gone", async () => {
    const own = new FixedObjects().put(pods, pod("web", "n1"));
    const may = nodeAuthorizer(own);
    expect((await may(asked("get secrets a/web-env"), signal)).allowed).toBe(true);
    own.remove(pods, { namespace: "a", name: "web" });
    expect((await may(asked("get secrets a/web-env"), signal)).allowed).toBe(false);
  });
});
