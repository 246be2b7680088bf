/** Which events wake a pod that a plugin refused: nothing else makes it look again. */
import { describe, expect, it } from "vitest";
import type { Pod } from "../../../api/core/v1.ts";
import { mayHelp, type ClusterEvent } from "../cluster-event.ts";
import { defaultPlugins } from "../default-plugins.ts";
import { queuedPod } from "../queued-pod.ts";
import { hostname, node, on, pod, term, zone } from "../testing/small-cluster.ts";

const helps = (plugin: string, event: ClusterEvent, wanted: Pod): boolean => {
  const found = defaultPlugins.find(({ name }) => name === plugin);
  return mayHelp(found?.wokenBy, event, queuedPod(wanted, 0));
};

const a = node("a");
const zoned = node("a", { [zone]: "1" });
const tainted = node("a", {}, { taints: [{ key: "t", effect: "NoSchedule" }] });
const cordoned = { ...a, spec: { unschedulable: true } };
const larger = node("a", {}, { cpu: "12" });
const added = (one = a): ClusterEvent => ({ type: "node-added", node: one });
const changed = (one = a, before = a): ClusterEvent => ({
  type: "node-changed",
  node: one,
  before,
});
const appeared = (one: Pod): ClusterEvent => ({ type: "pod-added", pod: on("a", one) });
const left = (one: Pod): ClusterEvent => ({ type: "pod-deleted", pod: on("a", one) });

const web = { app: "web" };
const spreading = pod(web, {
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: zone,
      whenUnsatisfiable: "DoNotSchedule",
      labelSelector: { matchLabels: web },
    },
  ],
});
const near = pod(
  {},
  {
    affinity: {
      podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(web, hostname)] },
    },
  },
);
const away = pod(
  {},
  {
    affinity: {
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term(web, hostname)] },
    },
  },
);
const withPort = (hostPort: number): Pod =>
  pod({}, { containers: [{ name: "c", ports: [{ containerPort: 80, hostPort }] }] });
const leaving = on("a", pod(web));
const marked = {
  ...leaving,
  metadata: { ...leaving.metadata, deletionTimestamp: "2030-01-01T00:00:00Z" },
};

describe("an event wakes", () => {
  for (const [plugin, title, event, wanted, expected] of [
    ["NodeResourcesFit", "a pod that went", left(pod()), pod(), true],
    ["NodeResourcesFit", "a pod that came", appeared(pod()), pod(), false],
    ["NodeResourcesFit", "more capacity", changed(larger), pod(), true],
    ["NodeResourcesFit", "another label", changed(zoned), pod(), false],
    ["NodePorts", "a pod with that port", left(withPort(80)), withPort(80), true],
    ["NodePorts", "a pod with another port", left(withPort(81)), withPort(80), false],
    ["TaintToleration", "a taint that is gone", changed(a, tainted), pod(), true],
    ["TaintToleration", "a node with a taint", added(tainted), pod(), false],
    ["NodeUnschedulable", "an uncordoned node", changed(a, cordoned), pod(), true],
    ["NodeUnschedulable", "a cordoned one", added(cordoned), pod(), false],
    ["NodeAffinity", "a node that matches now", changed(zoned), selecting(), true],
    ["NodeAffinity", "one that matched before", changed(zoned, zoned), selecting(), false],
    ["PodTopologySpread", "a pod that counts", appeared(pod(web)), spreading, true],
    ["PodTopologySpread", "one that does not", appeared(pod()), spreading, false],
    ["PodTopologySpread", "a node with the label", added(zoned), spreading, true],
    ["PodTopologySpread", "one without", added(a), spreading, false],
    [
      "PodTopologySpread",
      "one that is gone",
      { type: "node-deleted", node: zoned },
      spreading,
      true,
    ],
    [
      "PodTopologySpread",
      "a counted pod that begins to end",
      { type: "pod-changed", pod: marked, before: leaving },
      spreading,
      true,
    ],
    ["InterPodAffinity", "the pod that it wants", appeared(pod(web)), near, true],
    ["InterPodAffinity", "another", appeared(pod()), near, false],
    ["InterPodAffinity", "the pod that kept it away", left(pod(web)), away, true],
    ["InterPodAffinity", "a pod that would not have it", left(away), pod(web), true],
    ["InterPodAffinity", "a pod without interest", left(pod()), away, false],
  ] as const satisfies readonly (readonly [string, string, ClusterEvent, Pod, boolean])[]) {
    it(`${plugin}: ${title}: ${expected}`, () =>
      expect(helps(plugin, event, wanted)).toBe(expected));
  }
});

function selecting(): Pod {
  return pod({}, { nodeSelector: { [zone]: "1" } });
}
