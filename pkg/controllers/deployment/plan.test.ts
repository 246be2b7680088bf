import { describe, expect, it } from "vitest";
import type { Deployment, DeploymentSpec, ReplicaSet } from "../../../api/apps/v1.ts";
import { planDeployment, type Plan } from "./plan.ts";
import { encodeSafely, fnv32a, templateHash } from "../template-hash.ts";

const nowMs = Date.UTC(2026, 0, 1, 12);
const template = (image: string) => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "web", image }] },
});

const deployment = (
  replicas: number,
  spec: Partial<DeploymentSpec> = {},
  rest: Partial<Deployment> = {},
): Deployment => ({
  metadata: { name: "web", namespace: "default", uid: "d", generation: 1 },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: template("new"),
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
    progressDeadlineSeconds: 600,
    revisionHistoryLimit: 10,
    ...spec,
  },
  ...rest,
});

/** "new 3/2" is the ReplicaSet of template "new" with 3 replicas, 2 of them available. */
function replicaSet(
  image: string,
  size: number,
  available: number,
  { desired = 10, max = 13, revision = 1, age = 0, marked = String(revision) } = {},
): ReplicaSet {
  return {
    metadata: {
      name: `web-${image}`,
      namespace: "default",
      uid: image,
      generation: 1,
      creationTimestamp: new Date(nowMs - 1000 * (age || 1000 - revision)).toISOString(),
      annotations: {
        "deployment.kubernetes.io/revision": marked,
        "deployment.kubernetes.io/desired-replicas": String(desired),
        "deployment.kubernetes.io/max-replicas": String(max),
      },
    },
    spec: { replicas: size, selector: {}, template: template(image) },
    status: {
      replicas: size,
      readyReplicas: available,
      availableReplicas: available,
      observedGeneration: 1,
    },
  };
}

const plan = (wanted: Deployment, sets: readonly ReplicaSet[], oldPodsRun: boolean = false): Plan =>
  planDeployment(wanted, { replicaSets: sets, oldPodsRun: () => oldPodsRun, nowMs });

const told = ({ changes }: Plan): readonly string[] =>
  changes.map((change) => {
    const { metadata, spec } = change.replicaSet;
    const image = spec.template?.spec?.containers[0]?.image ?? "";
    const revision = metadata?.annotations?.["deployment.kubernetes.io/revision"];
    if (change.do === "create") return `create ${image} ${spec.replicas} revision ${revision}`;
    if (change.do === "delete") return `delete ${image}`;
    return change.before.spec.replicas === spec.replicas
      ? `mark ${image} revision ${revision}`
      : `scale ${image} ${change.before.spec.replicas}→${spec.replicas}`;
  });

const rolling = (maxSurge: number | string, maxUnavailable: number | string) => ({
  strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge, maxUnavailable } },
});

describe("rolling update", () => {
  for (const [title, wanted, sets, expected] of [
    ["makes the first ReplicaSet whole", deployment(10), [], ["create new 10 revision 1"]],
    [
      "starts the new one with the surge, and shrinks the old one by what may be unavailable",
      deployment(10),
      [replicaSet("old", 10, 10)],
      ["create new 3 revision 2", "scale old 10→8"],
    ],
    [
      "counts on from a revision that no number of JavaScript holds",
      deployment(10),
      [replicaSet("old", 10, 10, { marked: "3546343826724305832" })],
      ["create new 3 revision 3546343826724305833", "scale old 10→8"],
    ],
    [
      "grows the new one before it shrinks the old one",
      deployment(10),
      [replicaSet("new", 3, 3, { revision: 2 }), replicaSet("old", 8, 8)],
      ["scale new 3→5"],
    ],
    [
      "shrinks the old one by what is available beyond the least",
      deployment(10),
      [replicaSet("new", 5, 5, { revision: 2 }), replicaSet("old", 8, 8)],
      ["scale old 8→3"],
    ],
    [
      "waits while the new pods are not available",
      deployment(10),
      [replicaSet("new", 5, 0, { revision: 2 }), replicaSet("old", 8, 8)],
      [],
    ],
    [
      "takes unavailable old pods away first",
      deployment(10, rolling(1, 1)),
      [replicaSet("new", 1, 1, { revision: 2, max: 11 }), replicaSet("old", 10, 6, { max: 11 })],
      ["scale old 10→8"],
    ],
    [
      "moves one at a time when both bounds round to zero",
      deployment(1, rolling(0, "10%")),
      [replicaSet("old", 1, 1, { desired: 1, max: 1 })],
      ["create new 0 revision 2", "scale old 1→0"],
    ],
    [
      "goes back to an earlier revision by its template, with a new number",
      deployment(10),
      [replicaSet("new", 0, 0, { revision: 1 }), replicaSet("bad", 10, 10, { revision: 2 })],
      ["scale new 0→3"],
    ],
  ] as const)
    it(title, () => expect(told(plan(wanted, sets))).toEqual(expected));

  it("numbers the way back, and keeps the earlier number as history", () => {
    const back = plan(deployment(10), [
      replicaSet("new", 0, 0, { revision: 1 }),
      replicaSet("bad", 10, 10, { revision: 2 }),
    ]);
    expect(back.revision).toBe(3n);
    expect(back.changes[0]?.replicaSet.metadata?.annotations).toMatchObject({
      "deployment.kubernetes.io/revision": "3",
      "deployment.kubernetes.io/revision-history": "1",
    });
  });

  it("reaches the end through steps that never break the bounds", () => {
    let sets: readonly ReplicaSet[] = [replicaSet("old", 10, 10)];
    const wanted = deployment(10);
    for (let round = 0; round < 50; round += 1) {
      const { changes } = plan(wanted, sets);
      if (changes.length === 0) break;
      const changed = new Map(changes.map(({ replicaSet: set }) => [set.metadata?.name, set]));
      const known = sets.map((set) => changed.get(set.metadata?.name) ?? set);
      const names = new Set(known.map(({ metadata }) => metadata?.name));
      const made = [...changed.values()].filter(({ metadata }) => !names.has(metadata?.name));
      sets = [...known, ...made].map((set) => ({
        ...set,
        status: {
          ...set.status,
          replicas: set.spec.replicas ?? 0,
          availableReplicas: set.spec.replicas ?? 0,
        },
      }));
      const total = sets.reduce((sum, { spec }) => sum + (spec.replicas ?? 0), 0);
      expect(total).toBeLessThanOrEqual(13);
      expect(total).toBeGreaterThanOrEqual(8);
    }
    expect(sets.map(({ spec }) => spec.replicas)).toEqual([0, 10]);
  });
});

describe("recreate", () => {
  const recreate = { strategy: { type: "Recreate" } };
  for (const [title, sets, oldPodsRun, expected] of [
    [
      "ends the old pods first",
      [replicaSet("old", 3, 3, { desired: 3, max: 3 })],
      true,
      ["scale old 3→0"],
    ],
    ["waits for their end", [replicaSet("old", 0, 0, { desired: 3, max: 3 })], true, []],
    [
      "then begins",
      [replicaSet("old", 0, 0, { desired: 3, max: 3 })],
      false,
      ["create new 3 revision 2"],
    ],
  ] as const)
    it(title, () =>
      expect(told(plan(deployment(3, recreate), sets, oldPodsRun))).toEqual(expected),
    );
});

describe("scaling", () => {
  for (const [title, wanted, sets, expected] of [
    [
      "scales the only active ReplicaSet",
      deployment(20),
      [replicaSet("new", 10, 10)],
      ["scale new 10→20"],
    ],
    [
      "scales in proportion in the middle of a rollout",
      deployment(20),
      [replicaSet("new", 5, 5, { revision: 2 }), replicaSet("old", 8, 8)],
      ["scale new 5→10", "scale old 8→15"],
    ],
    [
      "scales down in proportion",
      deployment(5),
      [replicaSet("new", 5, 5, { revision: 2 }), replicaSet("old", 8, 8)],
      ["scale new 5→3", "scale old 8→4"],
    ],
    [
      "takes old ones away when the new one has all",
      deployment(10),
      [replicaSet("new", 10, 10, { revision: 2 }), replicaSet("old", 2, 2, { desired: 4 })],
      ["scale old 2→0"],
    ],
    [
      "scales while paused, and makes nothing new",
      deployment(4, { paused: true, template: template("newer") }),
      [replicaSet("new", 2, 2, { desired: 2 })],
      ["scale new 2→4"],
    ],
  ] as const)
    it(title, () => expect(told(plan(wanted, sets))).toEqual(expected));
});

describe("history", () => {
  const complete = {
    replicas: 1,
    updatedReplicas: 1,
    availableReplicas: 1,
    readyReplicas: 1,
    observedGeneration: 1,
  };
  it("deletes the oldest empty ReplicaSets beyond the limit, after the rollout", () => {
    const sizes = { desired: 1, max: 2 };
    const sets = [
      replicaSet("new", 1, 1, { ...sizes, revision: 4 }),
      replicaSet("a", 0, 0, { ...sizes, revision: 1 }),
      replicaSet("b", 0, 0, { ...sizes, revision: 2 }),
      replicaSet("c", 0, 0, { ...sizes, revision: 3 }),
    ];
    const wanted = deployment(1, { revisionHistoryLimit: 1 }, { status: complete });
    expect(told(plan(wanted, sets))).toEqual(["delete a", "delete b"]);
    expect(told(plan(deployment(1, { revisionHistoryLimit: 1 }), sets))).toEqual([]);
  });
});

describe("status", () => {
  const conditions = ({ status }: Plan): Record<string, string> =>
    Object.fromEntries(
      (status.conditions ?? []).map((one) => [one.type, `${one.status} ${one.reason}`]),
    );

  it("tells a rollout's progress, its success, and its lack of progress", () => {
    const first = plan(deployment(10), []);
    expect(conditions(first)).toEqual({
      Progressing: "True NewReplicaSetCreated",
      Available: "False MinimumReplicasUnavailable",
    });
    const sets = [replicaSet("new", 10, 9)];
    const moving = plan(deployment(10, {}, { status: first.status }), sets);
    expect(conditions(moving)).toEqual({
      Progressing: "True ReplicaSetUpdated",
      Available: "True MinimumReplicasAvailable",
    });
    expect(moving.checkInMs).toBe(601_000);
    const stuck = planDeployment(deployment(10, {}, { status: moving.status }), {
      replicaSets: sets,
      oldPodsRun: () => false,
      nowMs: nowMs + 601_000,
    });
    expect(conditions(stuck)["Progressing"]).toBe("False ProgressDeadlineExceeded");
    const over = plan(deployment(10, {}, { status: moving.status }), [replicaSet("new", 10, 10)]);
    expect(conditions(over)["Progressing"]).toBe("True NewReplicaSetAvailable");
    expect(over.status).toMatchObject({
      observedGeneration: 1,
      replicas: 10,
      updatedReplicas: 10,
      readyReplicas: 10,
      availableReplicas: 10,
      unavailableReplicas: 0,
    });
  });

  it("says when it is paused and resumed", () => {
    const paused = plan(deployment(1, { paused: true }), []);
    expect(conditions(paused)["Progressing"]).toBe("Unknown DeploymentPaused");
    const resumed = plan(deployment(1, {}, { status: paused.status }), [
      replicaSet("new", 1, 0, { desired: 1, max: 2 }),
    ]);
    expect(conditions(resumed)["Progressing"]).toMatch(/DeploymentResumed|ReplicaSetUpdated/);
  });

  it("shows why pods cannot be created", () => {
    const failing = replicaSet("new", 10, 0);
    const condition = { type: "ReplicaFailure", status: "True", reason: "FailedCreate" };
    const status = { replicas: 0, conditions: [condition] };
    expect(conditions(plan(deployment(10), [{ ...failing, status }]))["ReplicaFailure"]).toBe(
      "True FailedCreate",
    );
  });
});

describe("templateHash", () => {
  it("is FNV-32a in upstream's alphabet", () => {
    expect(fnv32a(new TextEncoder().encode("foobar"))).toBe(0xbf9cf968);
    expect(encodeSafely("0123456789")).toBe("456789bcdf");
  });
  it("does not depend on the order of fields, and changes with a collision", () => {
    const one = templateHash({ metadata: { labels: { a: "1", b: "2" } } }, undefined);
    expect(templateHash({ metadata: { labels: { b: "2", a: "1" } } }, undefined)).toBe(one);
    expect(templateHash({ metadata: { labels: { a: "1", b: "2" } } }, 1)).not.toBe(one);
  });
});
