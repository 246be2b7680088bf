import type { Lease } from "../../api/coordination/v1.ts";
import type { OwnerReference } from "../../api/meta/v1.ts";
import { leases } from "../../api/resources.ts";
import { rfc3339Micro, type Clock } from "../base/clock.ts";
import { deadline } from "../base/deadline.ts";
import { chainOf } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Client, ObjectKey } from "./client.ts";
import type { LeaderHealth } from "./leader-health.ts";
import { planLease } from "./lease-plan.ts";

export interface LeaseDoors {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export interface LeaderElection {
  /** Upstream's components use "kube-system". */
  readonly namespace: string;
  /** The component: kube-scheduler, kube-controller-manager. */
  readonly name: string;
  /** Unique among candidates: host name and a uuid. */
  readonly identity: string;
  /** Hears how the election goes; absent: nobody asks. */
  readonly health?: LeaderHealth;
}

const election = {
  leaseDurationSeconds: 15,
  /** A leader that could not renew for so long stops leading, well before others may take over. */
  renewDeadlineMs: 10_000,
  retryMs: 2_000,
  /** Where nobody answered at all, as while a control plane starts; doubled up to the other. */
  retryFirstMs: 250,
} as const;

/** Led: the lease is ours now. Lost: it is somebody else's. Failed: nobody could be asked. */
type Attempt = "led" | "lost" | "failed";

/**
 * Runs `lead` whenever this candidate leads. Its signal aborts when leadership is lost; then the
 * candidate waits to lead again. Resolves when `signal` aborts, having given the lease up. Rejects
 * as `lead` does.
 */
export async function runAsLeader(
  doors: LeaseDoors,
  options: LeaderElection,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const candidate = new Campaign(doors, options);
  while (await candidate.acquire(signal)) {
    const leading = new AbortController();
    const stop = (): void => leading.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    doors.logger.info({ lease: options.name, identity: options.identity }, "leading");
    const work = lead(leading.signal).finally(() => leading.abort());
    await Promise.all([work, candidate.keep(leading)]).finally(() =>
      signal.removeEventListener("abort", stop),
    );
    options.health?.ended();
    await candidate.release();
  }
}

class Campaign {
  readonly #doors: LeaseDoors;
  readonly #options: LeaderElection;
  readonly #key: ObjectKey;
  #seen = { version: "", atMs: 0 };

  constructor(doors: LeaseDoors, options: LeaderElection) {
    this.#doors = doors;
    this.#options = options;
    this.#key = { namespace: options.namespace, name: options.name };
  }

  /** True when leading; false when the signal aborted first. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    let failedMs: number = election.retryFirstMs;
    while (!signal.aborted) {
      const attempt = await this.#attempt(signal);
      if (attempt === "led") return true;
      await this.#pause(attempt === "failed" ? failedMs : election.retryMs, signal);
      failedMs = Math.min(2 * failedMs, election.retryMs);
    }
    return false;
  }

  /**
   * Renews until the signal of `leading` aborts, or aborts it itself when it cannot renew: at its
   * time, also while an attempt hangs on a connection that nobody answers.
   */
  async keep(leading: AbortController): Promise<void> {
    let overdue = this.#deadline(leading);
    while (!leading.signal.aborted) {
      await this.#pause(election.retryMs, leading.signal);
      if (leading.signal.aborted || (await this.#attempt(leading.signal)) !== "led") continue;
      overdue[Symbol.dispose]();
      overdue = this.#deadline(leading);
    }
    overdue[Symbol.dispose]();
  }

  #deadline(leading: AbortController): Disposable {
    return this.#doors.clock.after(election.renewDeadlineMs, () =>
      leading.abort(new Error(`lease ${this.#options.name} could not be renewed`)),
    );
  }

  /** Gives the lease up, so that the next leader need not wait for it to expire. */
  async release(): Promise<void> {
    const api = this.#doors.client.resource(leases);
    try {
      const lease = await api.get(this.#key);
      if (lease.spec?.holderIdentity !== this.#options.identity) return;
      const spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1 };
      await api.update({ ...lease, spec });
    } catch (error) {
      this.#log("lease could not be released", error);
    }
  }

  async #attempt(signal: AbortSignal): Promise<Attempt> {
    const { client, clock } = this.#doors;
    const api = client.resource(leases);
    try {
      const lease = await findLease(client, this.#key, signal);
      const unchangedMs = this.#unchangedMs(lease);
      const candidate = { ...this.#options, leaseDurationSeconds: election.leaseDurationSeconds };
      const change = planLease(lease, candidate, clock.now(), unchangedMs);
      if (change.do === "wait") return "lost";
      const wanted = { ...lease, metadata: lease?.metadata ?? this.#key, spec: change.spec };
      if (change.do === "create") await api.create(wanted, {}, signal);
      else await api.update(wanted, {}, signal);
      this.#options.health?.renewed(election.leaseDurationSeconds * 1_000);
      return "led";
    } catch (error) {
      if (isReason(error, "Conflict", "AlreadyExists")) return "lost";
      if (!signal.aborted) this.#log("lease could not be written", error);
      return "failed";
    }
  }

  #unchangedMs(lease: Lease | undefined): number {
    const now = this.#doors.clock.monotonic();
    const version = lease?.metadata?.resourceVersion ?? "";
    if (version !== this.#seen.version) this.#seen = { version, atMs: now };
    return now - this.#seen.atMs;
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const spread = ms * (1 + 0.2 * this.#doors.random.fraction());
    await this.#doors.clock.sleep(spread, signal).catch(() => undefined);
  }

  #log(what: string, error: unknown): void {
    this.#doors.logger.warn({ lease: this.#options.name, error: chainOf(error) }, what);
  }
}

const findLease = (client: Client, key: ObjectKey, signal: AbortSignal) =>
  client
    .resource(leases)
    .get(key, signal)
    .catch((error: unknown) => {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    });

export interface NodeLease {
  readonly nodeName: string;
  /** The Node, so that its lease goes with it. Asked again whenever the lease is created. */
  readonly owner: () => OwnerReference | undefined;
}

const nodeLease = {
  namespace: "kube-node-lease",
  durationSeconds: 40,
  renewMs: 10_000,
  /** An attempt that takes longer hangs on a connection that is dead: the next may have another. */
  attemptMs: 10_000,
  retryFirstMs: 200,
  retryMaxMs: 7_000,
} as const;

/** A node's heartbeat: keeps its Lease in kube-node-lease fresh until the signal aborts. */
export async function keepNodeLease(
  { client, clock, logger }: Omit<LeaseDoors, "random">,
  { nodeName, owner }: NodeLease,
  signal: AbortSignal,
): Promise<void> {
  const key = { namespace: nodeLease.namespace, name: nodeName };
  const api = client.resource(leases);
  let known: Lease | undefined;
  let waitMs = 0;
  const renew = async (): Promise<Lease> => {
    using attempt = deadline(clock, nodeLease.attemptMs, signal);
    const there = known ?? (await findLease(client, key, attempt.signal));
    const spec = {
      holderIdentity: nodeName,
      leaseDurationSeconds: nodeLease.durationSeconds,
      renewTime: rfc3339Micro(clock.now()),
    };
    if (there !== undefined)
      return await api.update({ ...there, spec: { ...there.spec, ...spec } }, {}, attempt.signal);
    const by = owner();
    const metadata = { ...key, ...(by === undefined ? {} : { ownerReferences: [by] }) };
    return await api.create({ metadata, spec }, {}, attempt.signal);
  };
  while (!signal.aborted)
    try {
      known = await renew();
      waitMs = 0;
      await clock.sleep(nodeLease.renewMs, signal);
    } catch (error) {
      if (signal.aborted) return;
      known = undefined;
      waitMs = Math.min(Math.max(waitMs * 2, nodeLease.retryFirstMs), nodeLease.retryMaxMs);
      logger.warn({ node: nodeName, error: chainOf(error) }, "node lease not renewed");
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
}
