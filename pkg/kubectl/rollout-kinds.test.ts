import { describe, expect, it } from "vitest";
import type { ControllerRevision, DaemonSet, DaemonSetStatus } from "../../api/apps/v1.ts";
import type { KubeObject } from "../../api/resource.ts";
import { rolloutKindOf, undoTarget, type RolloutKind } from "./rollout-kinds.ts";

function kindOf(plural: string): RolloutKind {
  const kind = rolloutKindOf({ plural, group: "apps" });
  if (kind === undefined) throw new Error(`${plural} do not roll out`);
  return kind;
}
const daemonSets = kindOf("daemonsets");

const template = (image: string) => ({
  metadata: { labels: { app: "web" } },
  spec: { containers: [{ name: "main", image }] },
});
const daemonSet = (status: Partial<DaemonSetStatus> = {}, type = "RollingUpdate"): DaemonSet => ({
  metadata: { name: "web", uid: "d", generation: 2 },
  spec: { selector: {}, template: template("three"), updateStrategy: { type } },
  status: {
    desiredNumberScheduled: 3,
    currentNumberScheduled: 3,
    numberMisscheduled: 0,
    numberReady: 0,
    observedGeneration: 2,
    ...status,
  },
});
const revision = (number: number, image: string, uid = "d"): ControllerRevision => ({
  metadata: {
    name: `web-${number}`,
    annotations: { "kubernetes.io/change-cause": image },
    ownerReferences: [
      { apiVersion: "apps/v1", kind: "DaemonSet", name: "web", uid, controller: true },
    ],
  },
  data: { spec: { template: { $patch: "replace", ...template(image) } } },
  revision: number,
});

describe("a DaemonSet's rollout", () => {
  for (const [title, status, message] of [
    ["not observed", { observedGeneration: 1 }, "spec update to be observed..."],
    [
      "updating",
      { updatedNumberScheduled: 1 },
      '"web" rollout to finish: 1 out of 3 new pods have been updated...',
    ],
    [
      "becoming available",
      { updatedNumberScheduled: 3, numberAvailable: 2 },
      '"web" rollout to finish: 2 of 3 updated pods are available...',
    ],
  ] as const)
    it(title, () =>
      expect(daemonSets.status(daemonSet(status))).toEqual({
        isDone: false,
        message: `Waiting for daemon set ${message}`,
      }),
    );

  it("is done when all are available", () =>
    expect(daemonSets.status(daemonSet({ updatedNumberScheduled: 3, numberAvailable: 3 }))).toEqual(
      { isDone: true, message: 'daemon set "web" successfully rolled out' },
    ));

  it("has no status where pods are replaced by hand", () =>
    expect(() => daemonSets.status(daemonSet({}, "OnDelete"))).toThrow(
      "rollout status is only available for RollingUpdate strategy type",
    ));
});

describe("a DaemonSet's history", () => {
  const kept: readonly KubeObject[] = [
    revision(3, "three"),
    revision(1, "one"),
    revision(9, "foreign", "other"),
    revision(2, "two"),
  ];
  const revisions = daemonSets.revisions(daemonSet(), kept);

  it("is its own revisions, oldest first, with their templates", () => {
    expect(revisions.map(({ number, changeCause }) => `${number} ${changeCause}`)).toEqual([
      "1 one",
      "2 two",
      "3 three",
    ]);
    expect(revisions[0]?.template).toEqual(template("one"));
    expect(revisions.map(({ isCurrent }) => isCurrent)).toEqual([false, false, true]);
  });

  it("leads back by one, or to the one asked for", () => {
    expect(undoTarget(daemonSets, revisions, 0, "web").number).toBe(2);
    expect(undoTarget(daemonSets, revisions, 1, "web").number).toBe(1);
  });

  it("says when there is nothing to go back to, in each kind's words", () => {
    const last = revisions.slice(2);
    const deployments = kindOf("deployments");
    expect(() => undoTarget(daemonSets, revisions, 7, "web")).toThrow(
      "unable to find specified revision 7 in history",
    );
    expect(() => undoTarget(daemonSets, last, 0, "web")).toThrow(
      "no last revision to roll back to",
    );
    expect(() => undoTarget(deployments, last, 0, "web")).toThrow(
      'no rollout history found for deployment "web"',
    );
  });
});
