import { describe, expect, it } from "vitest";
import { leases, nodes } from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import { simulate } from "../sim/simulate.ts";
import { silentLogger } from "../telemetry/logger.ts";
import type { Client } from "./client.ts";
import { LeaderHealth } from "./leader-health.ts";
import { keepNodeLease, runAsLeader } from "./leases.ts";

const logger = silentLogger;

describe("runAsLeader", () => {
  it("has one leader at a time, and another when the first gives up or dies", async () => {
    await using cluster = await simulate({ seed: 5, nodes: 0 });
    const { clock, random, client } = cluster;
    const leading = new Set<string>();
    let most = 0;
    const candidate = (identity: string) => {
      const stop = new AbortController();
      const ended = runAsLeader(
        { client, clock, random, logger },
        { namespace: "kube-system", name: "test", identity },
        async (signal) => {
          leading.add(identity);
          most = Math.max(most, leading.size);
          await clock.sleep(10_000_000, signal).catch(() => undefined);
          leading.delete(identity);
        },
        stop.signal,
      );
      return { stop, ended };
    };
    const first = candidate("a");
    await clock.advance(1_000);
    const second = candidate("b");
    await clock.advance(60_000);
    expect([...leading]).toEqual(["a"]);
    first.stop.abort(new Error("stopped"));
    expect(await cluster.runUntil(() => leading.has("b"), 5_000)).toBe(true);
    await first.ended;
    const lease = await client.resource(leases).get({ namespace: "kube-system", name: "test" });
    expect(lease.spec).toMatchObject({ holderIdentity: "b", leaseTransitions: 1 });
    expect(most).toBe(1);
    second.stop.abort(new Error("stopped"));
    await clock.advance(1);
    await second.ended;
  });

  it("stops leading when somebody else has written the lease", async () => {
    await using cluster = await simulate({ seed: 5, nodes: 0 });
    const { clock, random, client } = cluster;
    let isLeading = false;
    const stop = new AbortController();
    const ended = runAsLeader(
      { client, clock, random, logger },
      { namespace: "kube-system", name: "test", identity: "a" },
      async (signal) => {
        isLeading = true;
        await clock.sleep(10_000_000, signal).catch(() => undefined);
        isLeading = false;
      },
      stop.signal,
    );
    await clock.advance(1_000);
    expect(isLeading).toBe(true);
    const api = client.resource(leases);
    const lease = await api.get({ namespace: "kube-system", name: "test" });
    await api.update({ ...lease, spec: { ...lease.spec, holderIdentity: "thief" } });
    expect(await cluster.runUntil(() => !isLeading, 15_000)).toBe(true);
    stop.abort(new Error("stopped"));
    await clock.advance(1);
    await ended;
  });

  /** A client of which, from now on, no request is ever answered. */
  const muted = (client: Client, clock: Clock): Client => ({
    ...client,
    resource: (ref) => {
      const hang = (signal?: AbortSignal): Promise<never> =>
        clock.sleep(1e9, signal).then(() => Promise.reject(new Error("never")));
      return {
        ...client.resource(ref),
        get: (_key, signal) => hang(signal),
        update: (_object, _options, signal) => hang(signal),
      };
    },
  });

  it("stops leading in time although its last request hangs, and is ill if its work does not", async () => {
    await using cluster = await simulate({ seed: 5, nodes: 0 });
    const { clock, random } = cluster;
    let { client } = cluster;
    const health = new LeaderHealth(clock);
    const isHealthy = (): Promise<boolean> =>
      health.check.check(new AbortController().signal).then(
        () => true,
        () => false,
      );
    const work = Promise.withResolvers<void>();
    let wasStopped = false;
    const stop = new AbortController();
    const ended = runAsLeader(
      {
        client: { ...client, resource: (ref) => client.resource(ref) },
        clock,
        random,
        logger,
      },
      { namespace: "kube-system", name: "test", identity: "a", health },
      async (signal) => {
        signal.addEventListener("abort", () => (wasStopped = true));
        await work.promise;
      },
      stop.signal,
    );
    await clock.advance(30_000);
    expect([wasStopped, health.isLeading, await isHealthy()]).toEqual([false, true, true]);
    client = muted(client, clock);
    await clock.advance(13_000);
    expect([wasStopped, await isHealthy()]).toEqual([true, true]);
    await clock.advance(25_000);
    expect(await isHealthy()).toBe(false);
    client = cluster.client;
    stop.abort(new Error("stopped"));
    work.resolve();
    await clock.advance(1_000);
    await ended;
    expect([health.isLeading, await isHealthy()]).toEqual([false, true]);
  });

  it("asks again soon where nobody answered, as while a control plane starts", async () => {
    await using cluster = await simulate({ seed: 5, nodes: 0 });
    const { clock, random } = cluster;
    const answersFromMs = clock.monotonic() + 600;
    const client: typeof cluster.client = {
      ...cluster.client,
      resource: (ref) => ({
        ...cluster.client.resource(ref),
        get: async (key, ended) => {
          if (clock.monotonic() < answersFromMs) throw new Error("connect ECONNREFUSED");
          return await cluster.client.resource(ref).get(key, ended);
        },
      }),
    };
    let isLeading = false;
    const stop = new AbortController();
    const ended = runAsLeader(
      { client, clock, random, logger },
      { namespace: "kube-system", name: "test", identity: "a" },
      async (signal) => {
        isLeading = true;
        await clock.sleep(10_000_000, signal).catch(() => undefined);
      },
      stop.signal,
    );
    await clock.advance(1_000);
    expect(isLeading).toBe(true);
    stop.abort(new Error("stopped"));
    await clock.advance(1);
    await ended;
  });
});

describe("keepNodeLease", () => {
  it("renews every ten seconds, and makes the lease again when somebody deleted it", async () => {
    await using cluster = await simulate({ seed: 5, nodes: 1 });
    const api = cluster.client.resource(leases);
    const key = { namespace: "kube-node-lease", name: "node-0" };
    await cluster.clock.advance(60_000);
    const node = await cluster.client.resource(nodes).get({ name: "node-0" });
    const before = await api.get(key);
    expect(before.spec?.leaseDurationSeconds).toBe(40);
    expect(before.metadata?.ownerReferences?.[0]?.uid).toBe(node.metadata?.uid);
    await cluster.clock.advance(10_000);
    const ageMs = cluster.clock.now() - Date.parse((await api.get(key)).spec?.renewTime ?? "");
    expect(ageMs).toBeLessThanOrEqual(10_000);
    await api.delete(key);
    await cluster.clock.advance(15_000);
    expect((await api.get(key)).metadata?.uid).not.toBe(before.metadata?.uid);
  });

  it("does not wait for ever on a connection that nobody answers", async () => {
    await using cluster = await simulate({ seed: 5, nodes: 0 });
    const { clock } = cluster;
    let isMute = true;
    const client: Client = {
      ...cluster.client,
      resource: (ref) => ({
        ...cluster.client.resource(ref),
        get: (key, signal) =>
          isMute
            ? clock.sleep(1e9, signal).then(() => Promise.reject(new Error("never")))
            : cluster.client.resource(ref).get(key, signal),
      }),
    };
    const stop = new AbortController();
    const doors = { client, clock, logger };
    const kept = keepNodeLease(doors, { nodeName: "x", owner: () => undefined }, stop.signal);
    await clock.advance(5_000);
    isMute = false;
    await clock.advance(6_000);
    const key = { namespace: "kube-node-lease", name: "x" };
    expect((await cluster.client.resource(leases).get(key)).spec?.holderIdentity).toBe("x");
    stop.abort(new Error("stopped"));
    await clock.advance(1);
    await kept;
  });

  it("ends with its signal", async () => {
    await using cluster = await simulate({ seed: 5, nodes: 0 });
    const stop = new AbortController();
    const doors = { client: cluster.client, clock: cluster.clock, logger };
    const kept = keepNodeLease(doors, { nodeName: "x", owner: () => undefined }, stop.signal);
    await cluster.clock.advance(1_000);
    stop.abort(new Error("stopped"));
    await cluster.clock.advance(1);
    await expect(kept).resolves.toBeUndefined();
  });
});
