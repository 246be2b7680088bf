/**
 * Who leads, decided on a Lease: pure. A candidate judges a lease by how long it has itself seen
 * it unchanged, never by the times written in it, since clocks of machines differ.
 */
import type { Lease, LeaseSpec } from "../../api/coordination/v1.ts";
import { rfc3339Micro } from "../base/clock.ts";

export interface Candidate {
  readonly identity: string;
  readonly leaseDurationSeconds: number;
}

export type LeaseChange =
  | { readonly do: "create"; readonly spec: LeaseSpec }
  | { readonly do: "take" | "renew"; readonly spec: LeaseSpec }
  | { readonly do: "wait" };

/** What to do about the lease, which has been seen unchanged for so long. */
export function planLease(
  lease: Lease | undefined,
  { identity, leaseDurationSeconds }: Candidate,
  nowMs: number,
  unchangedMs: number,
): LeaseChange {
  const now = rfc3339Micro(nowMs);
  const fresh = {
    holderIdentity: identity,
    leaseDurationSeconds,
    acquireTime: now,
    renewTime: now,
  };
  if (lease === undefined) return { do: "create", spec: { ...fresh, leaseTransitions: 0 } };
  const spec = lease.spec ?? {};
  if (spec.holderIdentity === identity)
    return { do: "renew", spec: { ...spec, leaseDurationSeconds, renewTime: now } };
  const holderMs = (spec.leaseDurationSeconds ?? leaseDurationSeconds) * 1_000;
  const isFree = (spec.holderIdentity ?? "") === "" || unchangedMs > holderMs;
  if (!isFree) return { do: "wait" };
  const leaseTransitions = (spec.leaseTransitions ?? 0) + 1;
  return { do: "take", spec: { ...spec, ...fresh, leaseTransitions } };
}
