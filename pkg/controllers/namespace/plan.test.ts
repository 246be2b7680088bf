import { describe, expect, it } from "vitest";
import { isEmpty, terminatingStatus, type Sweep } from "./plan.ts";

const nowMs = Date.UTC(2026, 0, 1, 12);
const namespace = { metadata: { name: "team", deletionTimestamp: "2026-01-01T11:59:00Z" } };
const told = (sweep: Sweep): readonly string[] =>
  (terminatingStatus(namespace, sweep, nowMs).conditions ?? []).map(
    ({ type, status, reason }) => `${type} ${status} ${reason}`,
  );

describe("terminatingStatus", () => {
  it("tells that all is done", () => {
    const sweep = { swept: [{ resource: "pods", remaining: 0, finalizers: {} }] };
    expect(isEmpty(sweep)).toBe(true);
    expect(told(sweep)).toEqual([
      "NamespaceDeletionDiscoveryFailure False ResourcesDiscovered",
      "NamespaceDeletionGroupVersionParsingFailure False ParsedGroupVersions",
      "NamespaceDeletionContentFailure False ContentDeleted",
      "NamespaceContentRemaining False ContentRemoved",
      "NamespaceFinalizersRemaining False ContentHasNoFinalizers",
    ]);
  });

  it("tells what is left, what holds it, and what failed", () => {
    const sweep = {
      swept: [
        { resource: "pods", remaining: 2, finalizers: { "a/x": 1, "b/y": 2 } },
        { resource: "secrets", remaining: 0, finalizers: {}, failure: "no" },
      ],
      discoveryFailure: "metrics.k8s.io/v1: down",
    };
    expect(isEmpty(sweep)).toBe(false);
    const { conditions = [] } = terminatingStatus(namespace, sweep, nowMs);
    const messageOf = (type: string) => conditions.find((one) => one.type === type)?.message;
    expect(messageOf("NamespaceContentRemaining")).toBe(
      "Some resources are remaining: pods has 2 resource instances",
    );
    expect(messageOf("NamespaceFinalizersRemaining")).toBe(
      "Some content in the namespace has finalizers remaining: " +
        "a/x in 1 resource instances, b/y in 2 resource instances",
    );
    expect(messageOf("NamespaceDeletionContentFailure")).toBe(
      "Failed to delete all resource types: secrets: no",
    );
    expect(messageOf("NamespaceDeletionDiscoveryFailure")).toContain("metrics.k8s.io/v1: down");
  });

  it("keeps conditions and their times while they stay", () => {
    const sweep = { swept: [{ resource: "pods", remaining: 1, finalizers: {} }] };
    const status = terminatingStatus(namespace, sweep, nowMs);
    const later = terminatingStatus({ ...namespace, status }, sweep, nowMs + 60_000);
    expect(later).toEqual(status);
  });
});
