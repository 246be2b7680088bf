import { describe, expect, it } from "vitest";
import type { ReplicaSet } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { planClaims } from "../claims-plan.ts";
import { planReplicas } from "./plan.ts";
import { nextAvailableInMs, replicaSetStatus } from "./status.ts";

const nowMs = Date.UTC(2026, 0, 1, 12);
const at = (secondsAgo: number): string => new Date(nowMs - secondsAgo * 1000).toISOString();

const replicaSet = (replicas: number, extra: Partial<ReplicaSet> = {}): ReplicaSet => ({
  metadata: { name: "web", namespace: "default", uid: "rs", generation: 1 },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } } },
  },
  ...extra,
});

interface PodOptions {
  readonly node?: string;
  readonly phase?: string;
  readonly readyFor?: number;
  readonly age?: number;
  readonly cost?: string;
  readonly restarts?: number;
  readonly owner?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly deleting?: boolean;
}
const pod = (name: string, options: PodOptions = {}): Pod => ({
  metadata: {
    name,
    namespace: "default",
    uid: name,
    labels: options.labels ?? { app: "web" },
    creationTimestamp: at(options.age ?? 3600),
    ...(options.cost && {
      annotations: { "controller.kubernetes.io/pod-deletion-cost": options.cost },
    }),
    ...(options.deleting && { deletionTimestamp: at(1) }),
    ownerReferences:
      options.owner === "none"
        ? []
        : [
            {
              apiVersion: "apps/v1",
              kind: "ReplicaSet",
              name: "web",
              uid: options.owner ?? "rs",
              controller: true,
            },
          ],
  },
  spec: { containers: [], ...(options.node && { nodeName: options.node }) },
  status: {
    phase: options.phase ?? "Running",
    containerStatuses: [
      { name: "c", ready: true, restartCount: options.restarts ?? 0, image: "", imageID: "" },
    ],
    ...(options.readyFor !== undefined && {
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: at(options.readyFor) }],
    }),
  },
});

const running = { node: "n1", readyFor: 600 } as const;

describe("planReplicas", () => {
  for (const [title, wanted, pods, expected] of [
    ["creates what is missing", 3, [pod("a")], ["create 2"]],
    ["does nothing when all is well", 1, [pod("a")], []],
    ["creates at most a burst", 2000, [], ["create 500"]],
    ["gives up the unassigned first", 1, [pod("a", running), pod("b")], ["delete b"]],
    [
      "then the pending",
      1,
      [pod("a", running), pod("b", { node: "n2", phase: "Pending" })],
      ["delete b"],
    ],
    ["then those not ready", 1, [pod("a", running), pod("b", { node: "n2" })], ["delete b"]],
    ["then the cheap", 1, [pod("a", { ...running, cost: "-5" }), pod("b", running)], ["delete a"]],
    [
      "then those crowded on one node",
      2,
      [
        pod("a", running),
        pod("b", { ...running, node: "n2" }),
        pod("c", { ...running, node: "n2" }),
      ],
      ["delete b"],
    ],
    [
      "then the lately ready",
      1,
      [pod("a", { ...running, readyFor: 5 }), pod("b", running)],
      ["delete a"],
    ],
    [
      "then the often restarted",
      1,
      [pod("a", running), pod("b", { ...running, restarts: 3 })],
      ["delete b"],
    ],
    ["then the young", 1, [pod("a", { ...running, age: 20 }), pod("b", running)], ["delete a"]],
  ] as const)
    it(title, () => {
      const changes = planReplicas(replicaSet(wanted), pods, pods, nowMs);
      expect(
        changes.map((one) =>
          one.do === "create" ? `create ${one.count}` : `delete ${one.pod.metadata?.name}`,
        ),
      ).toEqual(expected);
    });

  it("does nothing for a ReplicaSet that is being deleted", () => {
    const ending = replicaSet(3, { metadata: { uid: "rs", deletionTimestamp: at(1) } });
    expect(planReplicas(ending, [], [], nowMs)).toEqual([]);
  });
});

describe("planClaims", () => {
  it("adopts what nobody owns, releases what is no longer selected, leaves what others own", () => {
    const claims = planClaims(replicaSet(1), [
      pod("own"),
      pod("strayed", { labels: { app: "other" } }),
      pod("free", { owner: "none" }),
      pod("free-but-ending", { owner: "none", deleting: true }),
      pod("foreign", { owner: "none", labels: { app: "other" } }),
    ]);
    expect(claims.changes.map((one) => `${one.do} ${one.object.metadata?.name}`)).toEqual([
      "release strayed",
      "adopt free",
    ]);
    expect(claims.own.map((one) => one.metadata?.name)).toEqual(["own", "free"]);
  });

  it("adopts nothing while it is being deleted", () => {
    const ending = replicaSet(1, { metadata: { uid: "rs", deletionTimestamp: at(1) } });
    expect(planClaims(ending, [pod("free", { owner: "none" })]).changes).toEqual([]);
  });
});

describe("replicaSetStatus", () => {
  it("counts ready and available pods apart", () => {
    const slow = replicaSet(3);
    const patient = { ...slow, spec: { ...slow.spec, minReadySeconds: 10 } };
    const pods = [pod("a", running), pod("b", { ...running, readyFor: 4 }), pod("c")];
    const observation = { pods, terminating: 1, failure: undefined, nowMs };
    expect(replicaSetStatus(patient, observation)).toEqual({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 2,
      availableReplicas: 1,
      terminatingReplicas: 1,
      observedGeneration: 1,
      conditions: [],
    });
    expect(nextAvailableInMs(patient, pods, nowMs)).toBe(6_000);
  });

  it("tells a failure, and takes it back after a success", () => {
    const failing = { pods: [], terminating: 0, failure: "quota exceeded", nowMs };
    const status = replicaSetStatus(replicaSet(1), failing);
    expect(status.conditions).toEqual([
      {
        type: "ReplicaFailure",
        status: "True",
        lastTransitionTime: "2026-01-01T12:00:00Z",
        reason: "FailedCreate",
        message: "quota exceeded",
      },
    ]);
    const after = replicaSetStatus(replicaSet(1, { status }), { ...failing, failure: undefined });
    expect(after.conditions).toEqual([]);
  });
});
