import assert from "node:assert/strict";
import { describe, it } from "vitest";
import type { Container, Pod } from "../../../api/core/v1.ts";
import type { ProbeKind, ProbeResult } from "../probes/probe-state.ts";
import type { RuntimeContainer, RuntimePod, RuntimeSandbox } from "../runtime/runtime-pod.ts";
import { testPod } from "../testing/worker-bench.ts";
import type { BackOff } from "./back-off.ts";
import { containerHash } from "./container-hash.ts";
import { planPod } from "./plan.ts";
import type { PlanInput, PodAction, PodPlan } from "./plan-contract.ts";

const nowMs = 1_000_000;

/** "web running", "web exited 1 x2 @old": a container as the runtime reports it. */
function container(text: string, pod: Pod): RuntimeContainer {
  const [name = "", phase = "", ...rest] = text.split(" ");
  const spec = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find(
    (one) => one.name === name,
  );
  const number = (pattern: RegExp): number =>
    Number(rest.map((word) => pattern.exec(word)?.[1]).find((found) => found !== undefined) ?? 0);
  return {
    id: `id-${text}`,
    name,
    sandboxId: rest.includes("@old") ? "old" : "s0",
    phase: phase as RuntimeContainer["phase"],
    restartCount: number(/^x(\d+)$/),
    hash: rest.includes("stale") ? "stale" : containerHash(spec ?? { name }),
    createdAtMs: nowMs - 60_000 + number(/^x(\d+)$/),
    startedAtMs: nowMs - 60_000,
    finishedAtMs: phase === "exited" ? nowMs - 1_000 : 0,
    exitCode: number(/^(\d+)$/),
    reason: "",
    message: "",
    image: "web:1",
    imageRef: "web:1",
    logPath: "",
    terminationMessagePath: "",
    terminationMessagePolicy: "File",
  };
}

const sandbox = (text: string): RuntimeSandbox => {
  const [id = "", state = "ready", ip] = text.split(" ");
  return {
    id,
    isReady: state === "ready",
    attempt: id === "old" ? 0 : 1,
    createdAtMs: nowMs - 60_000,
    ips: ip === "no-ip" ? [] : ["10.0.0.1"],
  };
};

interface Case {
  readonly pod?: Pod;
  readonly sandboxes?: readonly string[];
  readonly containers?: readonly string[];
  readonly backOffs?: Readonly<Record<string, BackOff>>;
  /** "web liveness" → "failure" */
  readonly probes?: Readonly<Record<string, ProbeResult>>;
  readonly restarting?: readonly string[];
  readonly stopping?: PlanInput["stopping"];
}

function plan(given: Case): PodPlan {
  const pod = given.pod ?? testPod("a");
  const containers = (given.containers ?? []).map((text) => container(text, pod));
  const runtime: RuntimePod = {
    uid: "uid-a",
    namespace: "default",
    name: "a",
    sandboxes: (given.sandboxes ?? ["s0"]).map(sandbox),
    containers: containers.toSorted((a, b) => b.createdAtMs - a.createdAtMs),
  };
  return planPod({
    pod,
    runtime,
    nowMs,
    backOffs: new Map(Object.entries(given.backOffs ?? {})),
    probe: ({ name }, kind: ProbeKind) => given.probes?.[`${name} ${kind}`],
    restarting: new Set((given.restarting ?? []).map((text) => `id-${text}`)),
    ...(given.stopping === undefined ? {} : { stopping: given.stopping }),
  });
}

/** Actions as a person would say them. */
const say = (action: PodAction): string => {
  switch (action.do) {
    case "create-sandbox":
      return `sandbox ${action.attempt}`;
    case "stop-sandbox":
      return `stop ${action.sandboxId}`;
    case "start":
      return `start ${action.container.container.name} ${action.restartCount}`;
    case "kill":
      return [
        `kill ${action.container.name} ${action.graceSeconds}s`,
        ...(action.restart ? ["again"] : []),
      ].join(" ");
  }
};

const spoken = (given: Case): string => {
  const { actions, heldBack, isOver } = plan(given);
  return [
    ...actions.map(say),
    ...heldBack.map(({ name, untilMs }) => `hold ${name} ${untilMs - nowMs}`),
    ...(isOver ? ["over"] : []),
  ].join(", ");
};

const withInit = (...initContainers: readonly Partial<Container>[]): Pod =>
  testPod("a", { initContainers: initContainers as readonly Container[] });
const onFailure = testPod("a", { restartPolicy: "OnFailure" });
const never = testPod("a", { restartPolicy: "Never" });
const proxy = { name: "proxy", restartPolicy: "Always" };
const failed = { web: { delayMs: 10_000, updatedAtMs: nowMs - 30_000 } };
const stopping = { sinceMs: nowMs - 10_000, graceSeconds: 30 };
const two = testPod("a", { containers: [{ name: "web" }, { name: "log" }] });
const twoNever = testPod("a", {
  restartPolicy: "Never",
  containers: [{ name: "web" }, { name: "log" }],
});

describe("planPod", () => {
  const cases: Readonly<Record<string, readonly [Case, string]>> = {
    "begins with a sandbox": [{ sandboxes: [] }, "sandbox 0"],
    "starts the containers in it": [{}, "start web 0"],
    "starts several in order": [{ pod: two }, "start web 0, start log 0"],
    "does nothing when all is well": [{ containers: ["web running"] }, ""],
    "starts a container that was only created, under its number": [
      { containers: ["web created x2"] },
      "start web 2",
    ],
    "restarts what ended": [{ containers: ["web exited 1"] }, "start web 1"],
    "restarts what ended well, too": [{ containers: ["web exited 0 x4"] }, "start web 5"],
    "holds what ended again until its back-off is over": [
      { containers: ["web exited 1 x1"], backOffs: failed },
      "hold web 9000",
    ],
    "restarts only failures when told so: a failure": [
      { pod: onFailure, containers: ["web exited 1"] },
      "start web 1",
    ],
    "restarts only failures when told so: a good end": [
      { pod: onFailure, containers: ["web exited 0"] },
      "stop s0",
    ],
    "is over when the sandbox is stopped": [
      { pod: onFailure, sandboxes: ["s0 dead"], containers: ["web exited 0"] },
      "over",
    ],
    "never restarts when told so": [{ pod: never, containers: ["web exited 1"] }, "stop s0"],
    "waits for the last container": [
      { pod: twoNever, containers: ["web exited 1", "log running"] },
      "",
    ],
    "kills what lives no more": [
      { containers: ["web running"], probes: { "web liveness": "failure" } },
      "kill web 30s again",
    ],
    "kills what never came up": [
      { containers: ["web running"], probes: { "web startup": "failure" } },
      "kill web 30s again",
    ],
    "kills for good what may not be restarted": [
      { pod: never, containers: ["web running"], probes: { "web liveness": "failure" } },
      "kill web 30s",
    ],
    "lets what is not ready be": [
      { containers: ["web running"], probes: { "web readiness": "failure" } },
      "",
    ],
    "kills what was changed": [{ containers: ["web running stale"] }, "kill web 30s again"],
    "starts what was killed to be restarted, whatever its exit code": [
      { pod: onFailure, containers: ["web exited 0"], restarting: ["web exited 0"] },
      "start web 1",
    ],
    "kills what nobody knows the state of": [{ containers: ["web unknown"] }, "kill web 30s again"],
    "clears a dead sandbox first": [
      { sandboxes: ["s0 dead"], containers: ["web running"] },
      "kill web 30s again",
    ],
    "makes the next sandbox then": [
      { sandboxes: ["s0 dead"], containers: ["web exited 137"] },
      "sandbox 2",
    ],
    "replaces a sandbox that has no address": [{ sandboxes: ["s0 ready no-ip"] }, "stop s0"],
    "needs no address on the host's network": [
      { pod: testPod("a", { hostNetwork: true }), sandboxes: ["s0 ready no-ip"] },
      "start web 0",
    ],
    "does not wake what is done when the sandbox died": [
      { pod: never, sandboxes: ["s0 dead"], containers: ["web exited 0"] },
      "over",
    ],
    "starts anew what the dead sandbox took with it": [
      { sandboxes: ["s0", "old dead"], containers: ["web exited 137 @old"] },
      "start web 1",
    ],
    "of two sandboxes none is right": [{ sandboxes: ["s0", "old"] }, "stop s0, stop old"],

    "runs init containers first": [
      { pod: withInit({ name: "one" }, { name: "two" }) },
      "start one 0",
    ],
    "waits for an init container": [
      { pod: withInit({ name: "one" }), containers: ["one running"] },
      "",
    ],
    "goes on when it is done": [
      { pod: withInit({ name: "one" }, { name: "two" }), containers: ["one exited 0"] },
      "start two 0",
    ],
    "starts the rest after the last": [
      { pod: withInit({ name: "one" }), containers: ["one exited 0"] },
      "start web 0",
    ],
    "restarts a failed init container": [
      { pod: withInit({ name: "one" }), containers: ["one exited 1"] },
      "start one 1",
    ],
    "gives up when an init container may not be restarted": [
      {
        pod: {
          ...withInit({ name: "one" }),
          spec: { ...withInit({ name: "one" }).spec, restartPolicy: "Never" },
        },
        containers: ["one exited 1"],
      },
      "stop s0",
    ],
    "forgets init containers once the pod runs": [
      { pod: withInit({ name: "one" }), containers: ["web running"] },
      "",
    ],
    "runs init containers again in a new sandbox": [
      {
        pod: withInit({ name: "one" }),
        sandboxes: ["s0", "old dead"],
        containers: ["one exited 0 @old", "web exited 137 @old"],
      },
      "start one 1",
    ],

    "starts a sidecar in its turn": [{ pod: withInit(proxy, { name: "one" }) }, "start proxy 0"],
    "goes on when the sidecar runs": [
      { pod: withInit(proxy, { name: "one" }), containers: ["proxy running"] },
      "start one 0",
    ],
    "waits until the sidecar has started": [
      {
        pod: withInit(proxy, { name: "one" }),
        containers: ["proxy running"],
        probes: { "proxy startup": "unknown" },
      },
      "",
    ],
    "restarts a sidecar while the pod runs": [
      { pod: withInit(proxy), containers: ["proxy exited 0", "web running"] },
      "start proxy 1",
    ],
    "restarts a sidecar that lives no more, whatever the pod's policy": [
      {
        pod: { ...withInit(proxy), spec: { ...withInit(proxy).spec, restartPolicy: "Never" } },
        containers: ["proxy running", "web running"],
        probes: { "proxy liveness": "failure" },
      },
      "kill proxy 30s again",
    ],
    "ends sidecars when all else is done": [
      {
        pod: { ...withInit(proxy), spec: { ...withInit(proxy).spec, restartPolicy: "Never" } },
        containers: ["proxy running", "web exited 0"],
      },
      "kill proxy 30s",
    ],

    "stops containers with the pod's grace": [
      { containers: ["web running"], stopping },
      "kill web 30s",
    ],
    "starts nothing while stopping": [{ containers: ["web exited 1"], stopping }, "stop s0"],
    "makes nothing while stopping": [{ sandboxes: [], stopping }, "over"],
    "stops sidecars after the rest": [
      { pod: withInit(proxy), containers: ["proxy running", "web running"], stopping },
      "kill web 30s",
    ],
    "gives sidecars what is left of the grace": [
      { pod: withInit(proxy), containers: ["proxy running", "web exited 0"], stopping },
      "kill proxy 20s",
    ],
    "gives sidecars a moment when nothing is left": [
      {
        pod: withInit(proxy),
        containers: ["proxy running"],
        stopping: { sinceMs: nowMs - 100_000, graceSeconds: 30 },
      },
      "kill proxy 2s",
    ],
    "stops sidecars last to first": [
      {
        pod: withInit(proxy, { name: "mesh", restartPolicy: "Always" }),
        containers: ["proxy running", "mesh running"],
        stopping,
      },
      "kill mesh 20s",
    ],
    "gives no grace to who asked for none": [
      { containers: ["web running"], stopping: { sinceMs: nowMs, graceSeconds: 0 } },
      "kill web 0s",
    ],
  };
  for (const [title, [given, said]] of Object.entries(cases))
    it(title, () => assert.equal(spoken(given), said));

  it("starts a debugger once, and never again", () => {
    const pod = testPod("a");
    const debug = { ...pod, spec: { ...pod.spec, ephemeralContainers: [{ name: "debug" }] } };
    assert.equal(spoken({ pod: debug, containers: ["web running"] }), "start debug 0");
    assert.equal(spoken({ pod: debug, containers: ["web running", "debug exited 1"] }), "");
  });

  it("lets a probe shorten the grace", () => {
    const livenessProbe = { terminationGracePeriodSeconds: 3 };
    const pod = testPod("a", { containers: [{ livenessProbe }] });
    const given = {
      pod,
      containers: ["web running"],
      probes: { "web liveness": "failure" as const },
    };
    assert.equal(spoken(given), "kill web 3s again");
  });
});
