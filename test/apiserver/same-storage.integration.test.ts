/**
 * Upstream's kube-apiserver and ours on one etcd, at the same time: what the one writes the other
 * serves, in upstream's keys and in both of its encodings (upstream writes protobuf, we JSON).
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resources } from "../../pkg/apiserver/resources.ts";
import { systemClock } from "../../pkg/base/system-clock.ts";
import { EtcdStorage } from "../../pkg/storage/etcd.ts";
import { type EtcdServer, hasEtcd, startEtcd } from "../etcd-server.ts";
import {
  hasKubeApiServer,
  startUpstreamApiServer,
  type UpstreamApiServer,
} from "../upstream-api-server.ts";
import { startTestServer, type TestServer } from "./start-test-server.ts";

const here = hasEtcd && hasKubeApiServer;
if (!here) console.log("skipped: needs etcd, and upstream's kube-apiserver in KUBE_APISERVER");

const namespaced = "/api/v1/namespaces/default";
const template = {
  metadata: { labels: { a: "b" } },
  spec: { containers: [{ name: "a", image: "nginx", ports: [{ containerPort: 80 }] }] },
};

/** One of each sort of journey: plain data, defaults, a status, an address, another version. */
const objects = [
  [`${namespaced}/configmaps`, { kind: "ConfigMap", apiVersion: "v1", data: { a: "é" } }],
  [`${namespaced}/secrets`, { kind: "Secret", apiVersion: "v1", stringData: { a: "b" } }],
  [`${namespaced}/pods`, { kind: "Pod", apiVersion: "v1", ...template }],
  [`${namespaced}/services`, { kind: "Service", apiVersion: "v1", spec: { clusterIP: "None" } }],
  [`/api/v1/nodes`, { kind: "Node", apiVersion: "v1", status: { capacity: { cpu: "4" } } }],
  [
    "/apis/apps/v1/namespaces/default/deployments",
    {
      kind: "Deployment",
      apiVersion: "apps/v1",
      spec: { selector: { matchLabels: { a: "b" } }, template },
    },
  ],
  [
    "/apis/apps/v1/namespaces/default/daemonsets",
    {
      kind: "DaemonSet",
      apiVersion: "apps/v1",
      spec: { selector: { matchLabels: { a: "b" } }, template },
    },
  ],
  [
    "/apis/apps/v1/namespaces/default/controllerrevisions",
    {
      kind: "ControllerRevision",
      apiVersion: "apps/v1",
      data: { spec: { template: { $patch: "replace", ...template } } },
      revision: 7,
    },
  ],
  [
    "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    {
      kind: "ClusterRole",
      apiVersion: "rbac.authorization.k8s.io/v1",
      rules: [{ verbs: ["get"], apiGroups: [""], resources: ["pods"] }],
    },
  ],
  [
    "/apis/coordination.k8s.io/v1/namespaces/default/leases",
    {
      kind: "Lease",
      apiVersion: "coordination.k8s.io/v1",
      spec: { holderIdentity: "me", renewTime: "2026-01-01T00:00:00.000000Z" },
    },
  ],
] as const;

interface Body {
  readonly metadata?: { readonly name?: string; readonly managedFields?: unknown };
}

const named = (object: object, name: string): object => ({
  ...object,
  metadata: { ...(object as Body).metadata, name },
});

/** Who wrote which field is each server's own bookkeeping, and Go prints absent times as null. */
function comparable(answer: unknown): unknown {
  const { metadata = {}, ...rest } = answer as Body;
  const { managedFields: _fields, ...kept } = metadata;
  return JSON.parse(JSON.stringify({ ...rest, metadata: kept }), (_key, value: unknown) =>
    value === null ? undefined : value,
  );
}

describe.skipIf(!here)("upstream's kube-apiserver and ours on one etcd", () => {
  let etcd: EtcdServer;
  let upstream: UpstreamApiServer;
  let storage: EtcdStorage;
  let ours: TestServer;

  beforeAll(async () => {
    etcd = await startEtcd();
    upstream = await startUpstreamApiServer(etcd.endpoint);
    storage = new EtcdStorage({ endpoints: [etcd.endpoint], clock: systemClock });
    ours = await startTestServer({ clock: systemClock, resources, storage, admission: [] });
  });
  afterAll(async () => {
    ours.stop();
    await storage.close();
    await upstream.stop();
    await etcd.stop();
  });

  for (const [path, object] of objects) {
    it(`serve the same ${object.kind}, whoever wrote it`, async () => {
      for (const [writer, reader] of [
        [ours, upstream],
        [upstream, ours],
      ] as const) {
        const name = writer === ours ? "by-ours" : "by-upstream";
        const created = await writer.call("POST", path, named(object, name));
        expect(created.status, JSON.stringify(created.json)).toBe(201);
        const [read, own] = await Promise.all([
          reader.call("GET", `${path}/${name}`),
          writer.call("GET", `${path}/${name}`),
        ]);
        expect(read.status).toBe(200);
        expect(comparable(read.json)).toEqual(comparable(own.json));

        const patched = {
          ...(read.json as Body),
          metadata: {
            ...(read.json as Body).metadata,
            labels: { seen: "yes" },
          },
        };
        expect((await reader.call("PUT", `${path}/${name}`, patched)).status).toBe(200);
        const again = await writer.call("GET", `${path}/${name}`);
        expect(again.json).toMatchObject({ metadata: { labels: { seen: "yes" } } });
        expect((await reader.call("DELETE", `${path}/${name}`)).status).toBe(200);
        expect((await writer.call("GET", `${path}/${name}`)).status).toBe(404);
      }
    });
  }
});
