import { describe, expect, it } from "vitest";
import type { ConfigMap } from "../../api/core/v1.ts";
import { configMaps } from "../../api/resources.ts";
import { seededRandom } from "../base/random.ts";
import type { Transport } from "../base/wire.ts";
import { faultyTransport, noFaults } from "../sim/faults.ts";
import { simulate, type Simulation } from "../sim/simulate.ts";
import { silentLogger } from "../telemetry/logger.ts";
import type { Client } from "./client.ts";
import { connect } from "./connect.ts";
import { createInformers } from "./informer.ts";
import { keyOf } from "./informer-store.ts";

const namespace = "kube-public";
const configMap = (name: string, labels: Record<string, string> = {}): ConfigMap => ({
  metadata: { name, namespace, labels },
  data: { name },
});

/** The cluster's client as a transport, to put faults in front of it. */
const throughClient =
  (client: Client): Transport =>
  async ({ method, path, body, signal }) => ({
    status: 200,
    headers: {},
    body: await client.raw(method, path, body, signal),
  });

function informersOf(cluster: Simulation, client: Client, signal: AbortSignal) {
  const { clock } = cluster;
  return createInformers({ client, clock, random: seededRandom(2), logger: silentLogger }, signal);
}

describe("an informer", () => {
  it("ends with what the server has, whatever happens to its requests and watches", async () => {
    await using cluster = await simulate({ seed: 4, nodes: 0 });
    Object.assign(cluster.faults, {
      lostRequest: 0.1,
      lostResponse: 0.1,
      serverError: 0.1,
      brokenWatch: 0.3,
      delayMsMax: 50,
    });
    const stop = new AbortController();
    const watcher = cluster.faultyClient("watcher");
    const informer = informersOf(cluster, watcher, stop.signal).informer(configMaps, { namespace });
    const mirror = new Map<string, ConfigMap>();
    informer.onChange((now, before) => {
      const object = now ?? before;
      if (object === undefined) return;
      expect(mirror.get(keyOf(object))).toBe(before);
      if (now === undefined) mirror.delete(keyOf(object));
      else mirror.set(keyOf(object), now);
    });
    const api = cluster.client.resource(configMaps);
    const random = seededRandom(9);
    for (let round = 0; round < 300; round += 1) {
      const name = `c${Math.floor(random.fraction() * 20)}`;
      const there = await api.get({ namespace, name }).catch(() => undefined);
      if (there === undefined) await api.create(configMap(name));
      else if (random.fraction() < 0.4) await api.delete({ namespace, name });
      else await api.update({ ...there, data: { round: String(round) } });
      if (round % 10 === 0) await cluster.clock.advance(500);
    }
    const { items, resourceVersion } = await api.list({ namespace });
    const isCurrent = (): boolean => Number(informer.resourceVersion) >= Number(resourceVersion);
    await cluster.runUntil(isCurrent, 60_000);
    await cluster.clock.advance(60_000);
    const told = (objects: Iterable<ConfigMap>) =>
      [...objects].map(({ metadata, data }) => JSON.stringify([metadata?.name, data])).toSorted();
    expect(items.length).toBeGreaterThan(3);
    expect(told(informer.list())).toEqual(told(items));
    expect(told(mirror.values())).toEqual(told(items));
    stop.abort(new Error("the test is over"));
  });

  it("is shared by those that ask for the same selection, and by no others", async () => {
    await using cluster = await simulate({ seed: 4, nodes: 0 });
    const stop = new AbortController();
    const informers = informersOf(cluster, cluster.client, stop.signal);
    const byApp = ({ metadata }: ConfigMap) => [metadata?.labels?.["app"] ?? ""];
    const all = informers.informer(configMaps);
    const same = informers.informer(configMaps, { indexes: { app: byApp } });
    const some = informers.informer(configMaps, { labelSelector: "app=a" });
    expect(same).toBe(all);
    expect(some).not.toBe(all);
    const api = cluster.client.resource(configMaps);
    await api.create(configMap("one", { app: "a" }));
    await api.create(configMap("two", { app: "b" }));
    await cluster.clock.advance(1_000);
    expect(all.byIndex("app", "b").map(({ metadata }) => metadata?.name)).toEqual(["two"]);
    expect(some.list().map(({ metadata }) => metadata?.name)).toEqual(["one"]);
    // An object that leaves the selection leaves the informer.
    await api.update(configMap("one", { app: "c" }));
    await cluster.clock.advance(1_000);
    expect(some.list()).toEqual([]);
    stop.abort(new Error("the test is over"));
  });

  it("rejects `synced` when it is stopped before its first list", async () => {
    await using cluster = await simulate({ seed: 4, nodes: 0 });
    const stop = new AbortController();
    const { clock } = cluster;
    const faults = { ...noFaults(), lostRequest: 1 };
    const doors = { clock, random: seededRandom(1) };
    const deaf = connect(faultyTransport(throughClient(cluster.client), faults, doors), { clock });
    const informer = informersOf(cluster, deaf, stop.signal).informer(configMaps);
    await cluster.clock.advance(10_000);
    expect(informer.isSynced).toBe(false);
    stop.abort(new Error("stopped"));
    await expect(informer.synced).rejects.toThrow("stopped");
  });
});
