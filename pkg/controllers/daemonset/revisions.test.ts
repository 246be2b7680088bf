import { describe, expect, it } from "vitest";
import type { ControllerRevision, DaemonSet } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { hashOf, outdated, planRevisions } from "./revisions.ts";

const daemonSet = (image: string, status: Partial<DaemonSet["status"]> = {}): DaemonSet => ({
  metadata: { name: "agent", namespace: "default", uid: "d", annotations: { why: image } },
  spec: {
    selector: { matchLabels: { app: "agent" } },
    template: {
      metadata: { labels: { app: "agent" } },
      spec: { containers: [{ name: "main", image }] },
    },
    revisionHistoryLimit: 1,
  },
  status: {
    currentNumberScheduled: 0,
    numberMisscheduled: 0,
    desiredNumberScheduled: 0,
    numberReady: 0,
    ...status,
  },
});

/** The revision that the DaemonSet of the image made. */
const revision = (image: string, number: number, name = `agent-${image}`): ControllerRevision => {
  const { current } = planRevisions(daemonSet(image), []);
  const labels = { ...current.metadata?.labels, "controller-revision-hash": name };
  return { ...current, metadata: { ...current.metadata, name, labels }, revision: number };
};

describe("planRevisions", () => {
  it("keeps a new template", () => {
    const { do: what, current, old } = planRevisions(daemonSet("c"), [revision("a", 4)]);
    expect([what, current.revision, old.length]).toEqual(["create", 5, 1]);
    expect(current.metadata?.name).toBe(`agent-${hashOf(current)}`);
    expect(current.metadata?.annotations).toEqual({ why: "c" });
    const { template } = daemonSet("c").spec;
    expect(current.data).toEqual({ spec: { template: { ...template, $patch: "replace" } } });
  });

  it("leaves the current one as it is", () =>
    expect(planRevisions(daemonSet("b"), [revision("a", 1), revision("b", 2)]).do).toBe("nothing"));

  it("makes an old one the newest when its template is back", () => {
    const plan = planRevisions(daemonSet("a"), [revision("a", 1), revision("b", 2)]);
    expect([plan.do, plan.current.metadata?.name, plan.current.revision]).toEqual([
      "update",
      "agent-a",
      3,
    ]);
  });

  it("knows what upstream wrote: empty fields, and no hash", () => {
    const data = {
      spec: {
        template: {
          metadata: { creationTimestamp: null, labels: { app: "agent" } },
          spec: { containers: [{ name: "main", image: "a", resources: {} }] },
          $patch: "replace",
        },
      },
    };
    const foreign = { metadata: { name: "agent-x" }, data, revision: 1 };
    const plan = planRevisions(daemonSet("a"), [foreign]);
    expect([plan.do, hashOf(plan.current)]).toEqual(["update", "agent-x"]);
    expect(plan.current.metadata?.labels).toEqual({ "controller-revision-hash": "agent-x" });
  });

  it("keeps the newest of those that say the same", () => {
    const plan = planRevisions(daemonSet("a"), [revision("a", 3, "y"), revision("a", 1, "x")]);
    expect(plan.current.metadata?.name).toBe("y");
    expect(plan.doubles.map(({ metadata }) => metadata?.name)).toEqual(["x"]);
  });

  it("takes another name after a collision", () => {
    const [one, other] = [undefined, { collisionCount: 1 }].map(
      (status) => planRevisions(daemonSet("a", status), []).current.metadata?.name,
    );
    expect(one).not.toBe(other);
  });
});

describe("outdated", () => {
  const old = [revision("a", 1), revision("b", 2), revision("c", 3)];
  const pod = (hash: string): Pod => ({
    metadata: { labels: { "controller-revision-hash": hash } },
    spec: { containers: [] },
  });
  const names = (pods: readonly Pod[]) =>
    outdated(daemonSet("d"), old, pods).map(({ metadata }) => metadata?.name);

  it("is the oldest beyond the limit", () => expect(names([])).toEqual(["agent-a", "agent-b"]));
  it("is nothing that still has a pod", () =>
    expect(names([pod("agent-a")])).toEqual(["agent-b", "agent-c"]));
});
