import { describe, expect, it } from "vitest";
import type { Deployment, DeploymentStatus, ReplicaSet } from "../../api/apps/v1.ts";
import { revisionOf, revisionsOf, rolloutStatus, templateOf } from "./rollout-plan.ts";

const template = { metadata: { labels: { app: "web" } }, spec: { containers: [] } };
const deployment = (status: DeploymentStatus, generation = 2): Deployment => ({
  metadata: { name: "web", uid: "d", generation },
  spec: { replicas: 3, selector: {}, template },
  status: { observedGeneration: 2, ...status },
});
const replicaSet = (revision: number, owner = "d"): ReplicaSet => ({
  metadata: {
    name: `web-${revision}`,
    annotations: { "deployment.kubernetes.io/revision": `${revision}` },
    ownerReferences: [
      { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: owner, controller: true },
    ],
  },
  spec: {
    selector: {},
    template: { ...template, metadata: { labels: { app: "web", "pod-template-hash": "abc" } } },
  },
});

describe("rolloutStatus", () => {
  for (const [title, given, message, isDone] of [
    [
      "not observed",
      deployment({}, 3),
      "Waiting for deployment spec update to be observed...",
      false,
    ],
    [
      "updating",
      deployment({ updatedReplicas: 1, replicas: 3 }),
      'Waiting for deployment "web" rollout to finish: 1 out of 3 new replicas have been updated...',
      false,
    ],
    [
      "old ones go",
      deployment({ updatedReplicas: 3, replicas: 4 }),
      'Waiting for deployment "web" rollout to finish: 1 old replicas are pending termination...',
      false,
    ],
    [
      "becoming available",
      deployment({ updatedReplicas: 3, replicas: 3, availableReplicas: 2 }),
      'Waiting for deployment "web" rollout to finish: 2 of 3 updated replicas are available...',
      false,
    ],
    [
      "done",
      deployment({ updatedReplicas: 3, replicas: 3, availableReplicas: 3 }),
      'deployment "web" successfully rolled out',
      true,
    ],
  ] as const) {
    it(title, () => expect(rolloutStatus(given)).toEqual({ message, isDone }));
  }

  it("fails when the deadline has passed", () => {
    const late = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" };
    expect(() => rolloutStatus(deployment({ conditions: [late] }))).toThrow(
      "exceeded its progress deadline",
    );
  });
});

describe("undo", () => {
  const sets = [replicaSet(3), replicaSet(1), replicaSet(2), replicaSet(9, "other")];
  const own = revisionsOf(deployment({}), sets);
  it("knows its own revisions in order", () => expect(own.map(revisionOf)).toEqual([1, 2, 3]));
  it("takes the template without the controller's label", () => {
    expect(templateOf(replicaSet(1))).toEqual(template);
  });
});
