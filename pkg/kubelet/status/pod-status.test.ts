import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { Pod, PodStatus } from "../../../api/core/v1.ts";
import type { RuntimeContainer } from "../runtime/runtime-pod.ts";
import { testPod } from "../testing/worker-bench.ts";
import { podStatus } from "./pod-status.ts";
import type { PodStatusFacts } from "./pod-status-facts.ts";

const nowMs = Date.UTC(2026, 0, 1);

function container(name: string, phase: RuntimeContainer["phase"], more = {}): RuntimeContainer {
  return {
    id: `${name}-${phase}`,
    name,
    sandboxId: "s",
    phase,
    restartCount: 0,
    hash: "",
    createdAtMs: nowMs,
    startedAtMs: nowMs,
    finishedAtMs: nowMs,
    exitCode: 0,
    reason: "",
    message: "",
    image: "web:1",
    imageRef: "sha256:web",
    logPath: "",
    terminationMessagePath: "",
    terminationMessagePolicy: "File",
    ...more,
  };
}

function status(
  pod: Pod,
  containers: readonly RuntimeContainer[],
  more: Partial<PodStatusFacts> = {},
): PodStatus {
  return podStatus({
    pod,
    runtime: {
      uid: "u",
      namespace: "d",
      name: "a",
      sandboxes: [
        { id: "s", isReady: true, attempt: 0, createdAtMs: nowMs, ips: ["10.0.0.1", "fd00::1"] },
      ],
      containers,
    },
    nowMs,
    waiting: new Map(),
    probe: () => undefined,
    terminationMessages: new Map(),
    postStarting: new Set(),
    isStopping: false,
    nodeIPs: ["192.168.0.10"],
    before: undefined,
    startMs: nowMs,
    isOver: false,
    ...more,
  });
}
const of = (policy: string, names = ["web"]): Pod =>
  testPod("a", { restartPolicy: policy, containers: names.map((name) => ({ name })) });
const ended = (name: string, exitCode: number): RuntimeContainer =>
  container(name, "exited", { exitCode });
const crashing = new Map([["web", { reason: "CrashLoopBackOff" }]]);

describe("a pod's phase", () => {
  for (const [title, pod, containers, more, phase] of [
    ["begins", of("Always"), [], {}, "Pending"],
    ["runs", of("Always"), [container("web", "running")], {}, "Running"],
    [
      "pends while one waits",
      of("Always", ["web", "b"]),
      [container("web", "running")],
      {},
      "Pending",
    ],
    ["runs while it crashes", of("Always"), [ended("web", 1)], { waiting: crashing }, "Running"],
    ["runs between restarts", of("OnFailure"), [ended("web", 1)], {}, "Running"],
    ["succeeds", of("OnFailure"), [ended("web", 0)], {}, "Succeeded"],
    ["fails", of("Never", ["web", "b"]), [ended("web", 1), ended("b", 0)], {}, "Failed"],
    [
      "runs to the last",
      of("Never", ["web", "b"]),
      [ended("web", 1), container("b", "running")],
      {},
      "Running",
    ],
    [
      "was stopped badly",
      of("Always"),
      [ended("web", 143)],
      { isStopping: true, isOver: true },
      "Failed",
    ],
    [
      "was stopped well",
      of("Always"),
      [ended("web", 0)],
      { isStopping: true, isOver: true },
      "Succeeded",
    ],
    [
      "was ended by the node",
      of("Always"),
      [],
      { failure: { reason: "Evicted", message: "m" } },
      "Failed",
    ],
    [
      "is never taken back",
      of("Always"),
      [container("web", "running")],
      { before: { phase: "Failed" } },
      "Failed",
    ],
  ] as const)
    it(title, () => assert.equal(status(pod, containers, more).phase, phase));

  it("pends while init containers run, and fails with them when they may not be restarted", () => {
    const init = (policy: string) =>
      testPod("a", { restartPolicy: policy, initContainers: [{ name: "one" }] });
    assert.equal(status(init("Always"), [container("one", "running")]).phase, "Pending");
    assert.equal(status(init("Always"), [ended("one", 1)]).phase, "Pending");
    assert.equal(status(init("Never"), [ended("one", 1)]).phase, "Failed");
    const { conditions } = status(init("Always"), [container("one", "running")]);
    const initialized = conditions?.find(({ type }) => type === "Initialized");
    assert.equal(initialized?.message, "containers with incomplete status: [one]");
  });
});

describe("a pod's status", () => {
  it("has the addresses of its sandbox and its node", () => {
    const { podIP, podIPs, hostIP } = status(of("Always"), []);
    assert.deepEqual([podIP, podIPs?.length, hostIP], ["10.0.0.1", 2, "192.168.0.10"]);
    assert.equal(status(testPod("a", { hostNetwork: true }), []).podIP, "192.168.0.10");
  });

  it("remembers the end before the present life", () => {
    const latest = container("web", "running", { id: "new", restartCount: 1 });
    const [web] =
      status(of("Always"), [latest, ended("web", 7)], {
        terminationMessages: new Map([["web-exited", "out of luck"]]),
      }).containerStatuses ?? [];
    assert.equal(web?.containerID, "tskube://new");
    assert.equal(web?.restartCount, 1);
    assert.equal(web?.lastState?.terminated?.exitCode, 7);
    assert.equal(web?.lastState?.terminated?.message, "out of luck");
    assert.equal(web?.lastState?.terminated?.reason, "Error");
  });

  it("says the runtime's reason: killed for its memory", () => {
    const [web] =
      status(of("Never"), [container("web", "exited", { exitCode: 137, reason: "OOMKilled" })])
        .containerStatuses ?? [];
    assert.equal(web?.state?.terminated?.reason, "OOMKilled");
  });

  it("never calls an end that nobody saw a success", () => {
    const [web] = status(of("Never"), [container("web", "unknown")]).containerStatuses ?? [];
    assert.equal(web?.state?.terminated?.exitCode, 137);
    assert.equal(web?.state?.terminated?.reason, "ContainerStatusUnknown");
  });

  it("waits for readiness gates that others keep, and keeps their conditions", () => {
    const pod = testPod("a", { readinessGates: [{ conditionType: "example.org/in" }] });
    const running = [container("web", "running")];
    const ready = (given: Pod) =>
      status(given, running).conditions?.find(({ type }) => type === "Ready");
    assert.equal(ready(pod)?.reason, "ReadinessGatesNotReady");
    const gate = { type: "example.org/in", status: "True" };
    const open = { ...pod, status: { conditions: [gate] } };
    assert.equal(ready(open)?.status, "True");
    assert.deepEqual(status(open, running).conditions?.at(-1), gate);
  });

  it("keeps the time of a condition that did not change", () => {
    const before = status(of("Always"), [container("web", "running")]);
    const later = status(of("Always"), [container("web", "running")], {
      before,
      nowMs: nowMs + 60_000,
    });
    assert.deepEqual(later, before);
  });
});
