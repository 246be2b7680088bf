import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Event, Pod } from "../../api/core/v1.ts";
import type { KubeObject } from "../../api/resource.ts";
import { describeFieldError, type FieldError } from "../machinery/field-error.ts";
import { kubernetesDecoder } from "../machinery/kubernetes-decoder.ts";
import { deployments } from "./kinds/deployment.ts";
import { events } from "./kinds/event.ts";
import { namespaces } from "./kinds/namespace.ts";
import { newEvents } from "./kinds/new-event.ts";
import { nodes } from "./kinds/node.ts";
import { validateEphemeralUpdate } from "./kinds/pod/ephemeral-update.ts";
import { pods } from "./kinds/pod/pod.ts";
import { resources } from "./resources.ts";

/** One object a kind with every field set, where upstream's published definitions are at hand. */
const vectors = join(import.meta.dirname, "../../../shared/kubernetes-api/vectors/roundtrip");
const lines = (errors: readonly FieldError[] | undefined): readonly string[] =>
  (errors ?? []).map((error) => `${error.path}: ${describeFieldError(error)}`);

describe("the list of kinds", () => {
  it("has each kind, and each place in storage, once", () => {
    const names = resources.map(({ ref }) => `${ref.group}/${ref.plural}`);
    expect(new Set(names).size).toBe(names.length);
    // Two versions of one kind share keys, and read each other's objects.
    const alone = resources.filter(({ fromStored }) => fromStored === undefined);
    const prefixes = alone.map(({ storagePrefix }) => storagePrefix);
    expect(new Set(prefixes).size).toBe(prefixes.length);
  });

  it("keeps no kind where another one's keys would be listed with it", () => {
    const roots = resources.map(({ storagePrefix }) => `${storagePrefix}/`);
    for (const root of roots)
      expect(roots.filter((other) => other !== root && other.startsWith(root))).toEqual([]);
  });

  it("reads an Event of either version in the other, and back, without loss", () => {
    const written: Event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "a" },
      involvedObject: { kind: "Pod", name: "x" },
      message: "m",
      source: { component: "kubelet" },
      firstTimestamp: "2026-01-01T00:00:00Z",
      count: 3,
      reportingComponent: "kubelet",
      type: "Normal",
    };
    const read = newEvents.fromStored?.(written);
    expect(read).toMatchObject({
      apiVersion: "events.k8s.io/v1",
      regarding: { kind: "Pod", name: "x" },
      note: "m",
      deprecatedSource: { component: "kubelet" },
      deprecatedCount: 3,
      reportingController: "kubelet",
    });
    expect(events.fromStored?.(read ?? {})).toEqual(written);
  });

  it("says for each kind with /status in discovery what a write of it may do", () => {
    for (const { ref, status } of resources) {
      const has = ref.subresources.some(({ name }) => name === "status");
      expect(status !== undefined, ref.plural).toBe(has);
    }
  });

  it("scales what discovery says can be scaled", () => {
    for (const { ref, scale } of resources) {
      const has = ref.subresources.some(({ name }) => name === "scale");
      expect(scale !== undefined, ref.plural).toBe(has);
    }
  });

  if (!existsSync(vectors)) console.warn(`skipped: there is no ${vectors}`);
  it.skipIf(!existsSync(vectors))("defaults an object once, and takes any value of a field", () => {
    for (const { ref, ...resource } of resources) {
      const group = ref.group === "" ? "core" : ref.group;
      const file = readdirSync(vectors).find(
        (name) => name === `${group}.${ref.version}.${ref.kind}.json`,
      );
      expect(file, ref.kind).toBeDefined();
      const text = readFileSync(join(vectors, file ?? ""), "utf8");
      const decoded = kubernetesDecoder.decode<KubeObject>(ref.schema, JSON.parse(text)).object;
      const once = resource.defaults?.(decoded) ?? decoded;
      expect(resource.defaults?.(once) ?? once).toBe(once);
      expect(() => resource.validate?.(once, undefined)).not.toThrow();
      expect(() => resource.validate?.(once, once)).not.toThrow();
      for (const column of resource.columns) column.cell(once, 0);
      for (const label of Object.values(resource.fieldLabels ?? {})) label(once);
    }
  });
});

const pod = (changes: Partial<Pod> = {}): Pod => ({
  metadata: { name: "a", namespace: "default" },
  spec: { containers: [{ name: "a", image: "a" }], nodeName: "n", restartPolicy: "Never" },
  status: { phase: "Running", qosClass: "BestEffort" },
  ...changes,
});

describe("a pod", () => {
  for (const [title, changes, seconds] of [
    ["on a node has its own grace", {}, 5],
    ["without a node goes at once", { nodeName: undefined }, undefined],
  ] as const) {
    it(title, () => {
      const { nodeName: _node, ...spec } = pod().spec ?? { containers: [] };
      const own = { ...spec, terminationGracePeriodSeconds: 5 };
      const placed = "nodeName" in changes ? own : { ...own, nodeName: "n" };
      expect(pods.gracePeriodSeconds?.(pod({ spec: placed }))).toBe(seconds);
    });
  }

  it("that is over goes at once", () => {
    expect(pods.gracePeriodSeconds?.(pod({ status: { phase: "Failed" } }))).toBeUndefined();
  });

  it("is selected by its node, its phase and its address", () => {
    const labels = pods.fieldLabels ?? {};
    const one = pod({ status: { phase: "Running", podIPs: [{ ip: "10.0.0.1" }] } });
    expect(labels["spec.nodeName"]?.(one)).toBe("n");
    expect(labels["status.phase"]?.(one)).toBe("Running");
    expect(labels["status.podIP"]?.(one)).toBe("10.0.0.1");
    expect(labels["spec.hostNetwork"]?.(one)).toBe("false");
  });

  it("keeps what is set once, and its owners, when its status is written", () => {
    const [owner] = [{ apiVersion: "v1", kind: "X", name: "x", uid: "u" }];
    const before = pod({ metadata: { name: "a", ownerReferences: [owner] } });
    const written = pod({
      metadata: { name: "a", labels: { seen: "yes" } },
      status: { phase: "Failed" },
    });
    const updated = pods.status?.prepareForUpdate?.(written, before, 0);
    expect(updated?.status).toEqual({ phase: "Failed", qosClass: "BestEffort" });
    expect(updated?.metadata).toEqual({
      name: "a",
      labels: { seen: "yes" },
      ownerReferences: [owner],
    });
  });

  it("says that it is terminating until it is over, and unknown on a lost node", () => {
    const text = (one: Pod): unknown => pods.columns[2]?.cell(one, 0);
    const metadata = { name: "a", deletionTimestamp: "2026-01-01T00:00:00Z" };
    expect(text(pod({ metadata }))).toBe("Terminating");
    expect(text(pod({ metadata, status: { phase: "Succeeded" } }))).toBe("Succeeded");
    expect(text(pod({ metadata, status: { phase: "Running", reason: "NodeLost" } }))).toBe(
      "Unknown",
    );
  });

  it("may not bring a container back to life that ended for good", () => {
    const status = (state: object) => ({
      phase: "Running",
      qosClass: "BestEffort",
      containerStatuses: [
        { name: "a", ready: false, restartCount: 0, image: "", imageID: "", state },
      ],
    });
    const ended = pod({ status: status({ terminated: { exitCode: 0 } }) });
    const alive = pod({ status: status({ running: {} }) });
    expect(lines(pods.status?.validate?.(alive, ended))).toEqual([
      "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state",
    ]);
    expect(lines(pods.status?.validate?.(ended, alive))).toEqual([]);
  });

  it("takes containers for looking into it, and keeps those that it has", () => {
    const ephemeral = (name: string, image: string) => ({
      name,
      image,
      terminationMessagePolicy: "File",
      imagePullPolicy: "Always",
    });
    const withThese = (...ephemeralContainers: ReturnType<typeof ephemeral>[]): Pod => {
      const spec = { containers: [{ name: "a", image: "a:1" }], ephemeralContainers };
      return pods.defaults?.(pod({ spec })) ?? pod();
    };
    const [a, b] = [ephemeral("x", "x"), ephemeral("y", "y")];
    expect(lines(validateEphemeralUpdate(withThese(a, b), withThese(a)))).toEqual([]);
    const errors = validateEphemeralUpdate(withThese({ ...a, image: "z" }), withThese(a, b));
    expect(lines(errors)).toEqual([
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "x" may not be changed\n',
      'spec.ephemeralContainers: Forbidden: existing ephemeral containers "y" may not be removed\n',
    ]);
  });

  it("has addresses that agree with each other", () => {
    const status = { qosClass: "BestEffort", podIP: "10.0.0.1", podIPs: [{ ip: "x" }] };
    expect(lines(pods.status?.validate?.(pod({ status }), pod()))).toEqual([
      'status.podIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'status.podIPs[0].ip: Invalid value: "x": must be equal to `podIP`',
    ]);
  });
});

describe("a namespace", () => {
  it("stays until its finalizers are gone, and says so from the first delete on", () => {
    const active = { spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } };
    expect(namespaces.deletion?.isPending(active)).toBe(true);
    expect(namespaces.deletion?.isPending({ spec: {} })).toBe(false);
    expect(namespaces.deletion?.marked(active).status?.phase).toBe("Terminating");
  });

  it("carries its name as a label, whatever a client writes there", () => {
    const labels = { "kubernetes.io/metadata.name": "other", a: "b" };
    const labelled = namespaces.defaults?.({ metadata: { name: "mine", labels } });
    expect(labelled?.metadata?.labels).toEqual({ "kubernetes.io/metadata.name": "mine", a: "b" });
  });
});

describe("a deployment", () => {
  const spec = { replicas: 2, selector: { matchLabels: { b: "c", a: "b" } }, template: {} };

  it("is scaled through its count, with its selector as text", () => {
    expect(deployments.scale?.selector({ spec })).toBe("a=b,b=c");
    expect(deployments.scale?.replicas({ spec })).toBe(2);
    const scaled = deployments.scale?.scaled({ spec }, 5);
    expect(scaled).toEqual({ spec: { ...spec, replicas: 5 } });
  });

  it("may not report more ready replicas than replicas", () => {
    const status = { replicas: 1, readyReplicas: 2, availableReplicas: 3 };
    expect(lines(deployments.status?.validate?.({ spec, status }, { spec }))).toEqual([
      "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas",
      "status.availableReplicas: Invalid value: 3: cannot be greater than status.replicas",
      "status.availableReplicas: Invalid value: 3: cannot be greater than readyReplicas",
    ]);
  });
});

it("a node gives out all that it has, unless it says otherwise", () => {
  const node = nodes.defaults?.({ status: { capacity: { cpu: "4" } } });
  expect(node?.status?.allocatable).toEqual({ cpu: "4" });
});
