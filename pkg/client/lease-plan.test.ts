import { describe, expect, it } from "vitest";
import { planLease } from "./lease-plan.ts";

const nowMs = Date.UTC(2026, 0, 1);
const now = "2026-01-01T00:00:00.000000Z";
const me = { identity: "me", leaseDurationSeconds: 15 };
const lease = (holderIdentity: string, leaseDurationSeconds = 15) => ({
  metadata: { name: "l" },
  spec: { holderIdentity, leaseDurationSeconds, leaseTransitions: 3, acquireTime: "earlier" },
});

describe("planLease", () => {
  it("creates the lease that is not there", () => {
    expect(planLease(undefined, me, nowMs, 0)).toEqual({
      do: "create",
      spec: {
        holderIdentity: "me",
        leaseDurationSeconds: 15,
        acquireTime: now,
        renewTime: now,
        leaseTransitions: 0,
      },
    });
  });

  it("renews its own, and keeps since when it leads", () => {
    expect(planLease(lease("me"), me, nowMs, 999_999)).toMatchObject({
      do: "renew",
      spec: { acquireTime: "earlier", renewTime: now, leaseTransitions: 3 },
    });
  });

  for (const [title, held, unchangedMs, expected] of [
    ["waits while the holder may live", lease("other"), 15_000, "wait"],
    ["takes over when the holder has been silent for too long", lease("other"), 15_001, "take"],
    ["believes the holder's own duration", lease("other", 60), 30_000, "wait"],
    ["takes at once what was given up", lease("", 1), 0, "take"],
  ] as const)
    it(title, () => expect(planLease(held, me, nowMs, unchangedMs).do).toBe(expected));

  it("counts a change of leader", () => {
    const change = planLease(lease("other"), me, nowMs, 20_000);
    expect(change).toMatchObject({ spec: { holderIdentity: "me", leaseTransitions: 4 } });
  });
});
