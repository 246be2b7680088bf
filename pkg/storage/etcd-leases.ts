import type { Clock } from "../base/clock.ts";
import type { EtcdChannel } from "./etcd-channel.ts";

/** Keys with the same time to live share leases, since each lease costs etcd memory and a write. */
const limits = {
  /** A lease is given out for this part of its time; the keys put first live so much longer. */
  reuseShare: 0.05,
  reuseMsMax: 60_000,
  keysPerLease: 1_000,
} as const;

interface Lease {
  readonly id: Promise<bigint>;
  readonly usableUntil: number;
  keys: number;
}

export class EtcdLeases {
  readonly #channel: EtcdChannel;
  readonly #clock: Clock;
  /** The lease in use for each time to live, in seconds. */
  readonly #leases = new Map<number, Lease>();

  constructor(channel: EtcdChannel, clock: Clock) {
    this.#channel = channel;
    this.#clock = clock;
  }

  /** A lease that lasts at least so long from now. */
  async leaseFor(timeToLiveSeconds: number, signal?: AbortSignal): Promise<bigint> {
    const lease = this.#usable(timeToLiveSeconds) ?? this.#grant(timeToLiveSeconds);
    lease.keys++;
    signal?.throwIfAborted();
    return lease.id;
  }

  #usable(timeToLiveSeconds: number): Lease | undefined {
    const lease = this.#leases.get(timeToLiveSeconds);
    if (lease === undefined || lease.keys >= limits.keysPerLease) return undefined;
    return this.#clock.monotonic() < lease.usableUntil ? lease : undefined;
  }

  #grant(timeToLiveSeconds: number): Lease {
    const reuseMs = Math.min(timeToLiveSeconds * 1000 * limits.reuseShare, limits.reuseMsMax);
    const seconds = Math.ceil(timeToLiveSeconds + reuseMs / 1000);
    const id = this.#channel.call("leaseGrant", { TTL: seconds }).then(({ ID = 0n }) => ID);
    const lease = { id, usableUntil: this.#clock.monotonic() + reuseMs, keys: 0 };
    this.#leases.set(timeToLiveSeconds, lease);
    // Who asked hears of a failure; the next one shall ask anew.
    id.catch(() => this.#leases.delete(timeToLiveSeconds));
    return lease;
  }
}
