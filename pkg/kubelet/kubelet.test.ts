import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "vitest";
import type { Pod } from "../../api/core/v1.ts";
import {
  configMaps,
  deployments,
  events as eventsRef,
  leases,
  nodes,
  pods as podsRef,
} from "../../api/resources.ts";
import { seededRandom } from "../base/random.ts";
import { isReason } from "../machinery/status-error.ts";
import { simulate, type Simulation } from "../sim/simulate.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { createKubelet, type Kubelet } from "./kubelet.ts";
import { noCgroups } from "./runtime/pod-cgroups.ts";
import { fakeMachine, fakeNetwork } from "./testing/fake-machine.ts";
import { FakeRuntime } from "./testing/fake-runtime.ts";
import { noFiles } from "./testing/no-files.ts";
import { testPod, testSettings } from "./testing/worker-bench.ts";

const namespace = "default";

/** The simulator's server issues no tokens. */
const withoutToken = ({ spec }: Pod): Pod["spec"] => ({
  ...spec,
  automountServiceAccountToken: false,
});

describe("the kubelet in a whole cluster", () => {
  let cluster: Simulation;
  let runtime: FakeRuntime;
  let kubelet: Kubelet;
  let stop = new AbortController();
  let running: Promise<void> = Promise.resolve();

  function start(): void {
    const { clock, client } = cluster;
    stop = new AbortController();
    kubelet = createKubelet({
      nodeName: "node-1",
      client,
      cri: runtime.cri,
      clock,
      random: seededRandom(7),
      logger: silentLogger,
      machine: fakeMachine("node-1"),
      files: noFiles,
      cgroups: noCgroups,
      network: fakeNetwork(),
      authorize: () => Promise.resolve(),
      settings: {
        ...testSettings,
        podsMax: 110,
        port: 10_250,
        labels: {},
        taints: [],
        reserved: { cpuMillis: 0, memoryBytes: 0 },
      },
    });
    running = kubelet.run(stop.signal);
  }

  /** As kill -9 would: nothing is said, nothing is kept. */
  async function crash(): Promise<void> {
    stop.abort(new Error("the kubelet died"));
    await running.catch(() => undefined);
  }

  beforeEach(async () => {
    cluster = await simulate({ seed: 1, nodes: 0 });
    runtime = new FakeRuntime({ clock: cluster.clock, images: ["web:1"] });
    start();
    await until(() => isNodeReady());
  });
  afterEach(async () => {
    await crash();
    await cluster[Symbol.asyncDispose]();
  });

  const until = async (condition: () => boolean, withinMs = 60_000): Promise<void> =>
    assert.ok(await cluster.runUntil(condition, withinMs), `not within ${withinMs} ms`);
  const isNodeReady = (): boolean =>
    cluster.informers
      .informer(nodes)
      .get("node-1")
      ?.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ===
    true;
  const allPods = (): readonly Pod[] => cluster.informers.informer(podsRef).list(namespace);
  const isReady = ({ status }: Pod): boolean =>
    status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;

  it("registers its node and keeps its lease", async () => {
    const found = cluster.informers.informer(nodes).get("node-1");
    assert.equal(found?.status?.nodeInfo?.containerRuntimeVersion, "fake://1.0");
    assert.equal(found?.status?.capacity?.["cpu"], "4");
    assert.equal(found?.metadata?.labels?.["kubernetes.io/hostname"], "node-1");
    const lease = () => cluster.informers.informer(leases).get("kube-node-lease/node-1");
    await until(() => lease() !== undefined);
    const before = lease()?.spec?.renewTime;
    await until(() => lease()?.spec?.renewTime !== before, 15_000);
  });

  it("registers again with its range of pod addresses, when somebody deletes its node", async () => {
    const api = cluster.client.resource(nodes);
    const key = { name: "node-1" };
    const found = () => cluster.informers.informer(nodes).get("node-1");
    const ranges = { podCIDR: "10.9.9.0/24", podCIDRs: ["10.9.9.0/24"] };
    await api.patch(key, { type: "merge", body: { spec: ranges } });
    const heartbeat = () => JSON.stringify(found()?.status?.conditions);
    const before = heartbeat();
    await until(() => heartbeat() !== before, 400_000);
    const uid = found()?.metadata?.uid;
    await api.delete(key);
    await until(() => found() !== undefined && found()?.metadata?.uid !== uid, 15_000);
    assert.deepEqual(found()?.spec?.podCIDRs, ranges.podCIDRs);
  });

  it("says again that it is ready, when others have given it up", async () => {
    const conditions = [{ type: "Ready", status: "Unknown", reason: "NodeStatusUnknown" }];
    const patch = { type: "strategic", body: { status: { conditions } } } as const;
    await cluster.client
      .resource(nodes)
      .patch({ name: "node-1" }, patch, { subresource: "status" });
    await until(() => !isNodeReady());
    await until(() => isNodeReady(), 15_000);
  });

  it("says again that its pods are ready, when others have given them up", async () => {
    const pod = { metadata: { name: "web", namespace }, spec: withoutToken(testPod("web")) };
    await cluster.client.resource(podsRef).create(pod);
    await until(() => allPods().filter(isReady).length === 1);
    const body = { status: { conditions: [{ type: "Ready", status: "False" }] } };
    const { metadata } = await cluster.client
      .resource(podsRef)
      .patch({ name: "web", namespace }, { type: "strategic", body }, { subresource: "status" });
    const isNewer = (one: Pod): boolean =>
      Number(one.metadata?.resourceVersion) > Number(metadata?.resourceVersion);
    await until(() => allPods().some((one) => isNewer(one) && isReady(one)), 15_000);
  });

  it("runs a Deployment, says so, and lets it go again", async () => {
    const labels = { app: "web" };
    await cluster.client.resource(deployments).create({
      metadata: { name: "web", namespace },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: withoutToken(testPod("web")) },
      },
    });
    await until(() => allPods().filter(isReady).length === 2);
    const [pod] = allPods();
    assert.equal(pod?.status?.phase, "Running");
    assert.equal(pod?.status?.observedGeneration, pod?.metadata?.generation);
    assert.match(pod?.status?.podIP ?? "", /^10\.1\./);
    const events = (): readonly (string | undefined)[] =>
      cluster.informers
        .informer(eventsRef)
        .list(namespace)
        .filter(({ involvedObject }) => involvedObject.name === pod?.metadata?.name)
        .map(({ reason }) => reason);
    await until(() => events().includes("Started"));
    const key = { namespace, name: "web" };
    await cluster.client.resource(deployments).delete(key, { propagationPolicy: "Foreground" });
    await until(() => allPods().length === 0 && runtime.containers.size === 0);
  });

  it("leaves containers alone when it dies, and sees what happened meanwhile", async () => {
    const spec = withoutToken(testPod("a"));
    await cluster.client.resource(podsRef).create({ metadata: { name: "a", namespace }, spec });
    await until(() => allPods().some(isReady));
    const before = runtime.container("web")?.id;
    await crash();
    assert.equal(runtime.container("web")?.id, before);
    await cluster.client.resource(podsRef).create({ metadata: { name: "b", namespace }, spec });
    runtime.calls.length = 0;
    start();
    await until(() => allPods().filter(isReady).length === 2);
    assert.deepEqual(runtime.calls, [
      "runPodSandbox b",
      "createContainer web",
      "startContainer web",
    ]);
    await crash();
    await cluster.client
      .resource(podsRef)
      .delete({ namespace, name: "a" }, { gracePeriodSeconds: 0 });
    start();
    await until(() => runtime.containers.size === 1);
    assert.equal(allPods().length, 1);
  });

  it("waits for the ConfigMap of a container, and starts it as soon as it is there", async () => {
    const env = [{ name: "A", valueFrom: { configMapKeyRef: { name: "late", key: "a" } } }];
    const spec = withoutToken(testPod("a", { containers: [{ env }] }));
    await cluster.client.resource(podsRef).create({ metadata: { name: "a", namespace }, spec });
    const reason = (): string | undefined =>
      allPods()[0]?.status?.containerStatuses?.[0]?.state?.waiting?.reason;
    await until(() => reason() === "CreateContainerConfigError");
    await cluster.client
      .resource(configMaps)
      .create({ metadata: { name: "late", namespace }, data: { a: "1" } });
    await until(() => allPods().some(isReady), 500);
    const [variable] =
      runtime.container("web")?.config.envs?.filter(({ key }) => key === "A") ?? [];
    assert.equal(Buffer.from(variable?.value ?? []).toString(), "1");
  });

  it("keeps the object of a deleted pod until its processes have ended", async () => {
    runtime.endsAfterMs = () => 8_000;
    const spec = withoutToken(testPod("a"));
    const api = cluster.client.resource(podsRef);
    await api.create({ metadata: { name: "a", namespace }, spec });
    await until(() => allPods().some(isReady));
    await api.delete({ namespace, name: "a" });
    await cluster.clock.advance(7_000);
    assert.ok((await api.get({ namespace, name: "a" })).metadata?.deletionTimestamp !== undefined);
    await until(() => allPods().length === 0, 5_000);
    await assert.rejects(api.get({ namespace, name: "a" }), (error) => isReason(error, "NotFound"));
  });

  it("serves its pods and its health to those who may", async () => {
    const ask = (path: string) =>
      kubelet.handler({
        method: "GET",
        path,
        headers: {},
        peer: { address: "127.0.0.1" },
        signal: new AbortController().signal,
      });
    assert.equal((await ask("/healthz")).status, 200);
    const spec = withoutToken(testPod("a"));
    await cluster.client.resource(podsRef).create({ metadata: { name: "a", namespace }, spec });
    await until(() => allPods().some(isReady));
    const listed = JSON.parse(Buffer.from((await ask("/pods")).body as Uint8Array).toString());
    assert.deepEqual(
      listed.items.map((pod: Pod) => pod.status?.phase),
      ["Running"],
    );
    assert.equal((await ask("/nothing")).status, 404);
    assert.equal((await ask("/containerLogs/default/none/web")).status, 404);
    const metrics = Buffer.from((await ask("/metrics")).body as Uint8Array).toString();
    assert.match(metrics, /^kubelet_running_pods 1$/m);
  });
});
