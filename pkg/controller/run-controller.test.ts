import { afterEach, describe, expect, it } from "vitest";
import type { ConfigMap, Secret } from "../../api/core/v1.ts";
import { configMaps, secrets } from "../../api/resources.ts";
import { seededRandom } from "../base/random.ts";
import { noEvents } from "../client/events.ts";
import { createInformers } from "../client/informer.ts";
import { simulate, type Simulation } from "../sim/simulate.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { done, owned, reads, requeueAfter, type Definition } from "./controller.ts";
import { controllerReference } from "./owner.ts";
import { defineController } from "./run-controller.ts";

let stop = new AbortController();
afterEach(() => {
  stop.abort(new Error("the test is over"));
  stop = new AbortController();
});

/** A controller of ConfigMaps that runs against a real API server. */
async function run(
  cluster: Simulation,
  definition: Pick<Definition<ConfigMap>, "reconcile"> & Partial<Definition<ConfigMap>>,
): Promise<void> {
  const { client, clock } = cluster;
  const random = seededRandom(1);
  const doors = { client, clock, random, logger: silentLogger };
  const program = defineController<ConfigMap>({
    name: "test",
    account: "test",
    eventSource: "test",
    reconciles: configMaps,
    reads: [owned(secrets, configMaps)],
    writes: [],
    ...definition,
  });
  const informers = createInformers(doors, stop.signal);
  void program.run({ ...doors, informers, events: noEvents }, stop.signal);
  await cluster.clock.advance(1);
}

const configMap = (name: string): ConfigMap => ({ metadata: { name, namespace: "kube-public" } });
const secretOf = (owner: ConfigMap): Secret => ({
  metadata: {
    generateName: "made-",
    namespace: "kube-public",
    ownerReferences: [controllerReference(configMaps, owner)],
  },
});
const isOurs = ({ metadata }: ConfigMap): boolean => metadata?.name?.startsWith("test") === true;

describe("defineController", () => {
  it("never acts on a cache that does not show its own last write", async () => {
    await using cluster = await simulate({ seed: 1, nodes: 0 });
    let turns = 0;
    await run(cluster, {
      async reconcile(object, context, signal) {
        if (!isOurs(object)) return done;
        turns += 1;
        const made = context.informer(secrets).list("kube-public");
        if (made.length === 0)
          await context.client.resource(secrets).create(secretOf(object), {}, signal);
        // Asks to be called again at once: before the secret has come back through the watch.
        return turns < 20 ? requeueAfter(0) : done;
      },
    });
    await cluster.client.resource(configMaps).create(configMap("test"));
    await cluster.clock.advance(5_000);
    expect(turns).toBe(20);
    const made = await cluster.client.resource(secrets).list({ namespace: "kube-public" });
    expect(made.items).toHaveLength(1);
  });

  it("is woken by what its objects own, and tells when an object is gone", async () => {
    await using cluster = await simulate({ seed: 1, nodes: 0 });
    const turns: string[] = [];
    await run(cluster, {
      reconcile: async (object) => {
        if (isOurs(object)) turns.push(`reconcile ${object.metadata?.name}`);
        return done;
      },
      gone: async (key) => void turns.push(`gone ${key}`),
    });
    const owner = await cluster.client.resource(configMaps).create(configMap("test"));
    await cluster.clock.advance(100);
    await cluster.client.resource(secrets).create(secretOf(owner));
    await cluster.clock.advance(100);
    await cluster.client
      .resource(configMaps)
      .delete({ namespace: "kube-public", name: "test" }, { propagationPolicy: "Orphan" });
    await cluster.clock.advance(5_000);
    expect(turns.slice(0, 2)).toEqual(["reconcile test", "reconcile test"]);
    expect(turns.at(-1)).toBe("gone kube-public/test");
  });

  it("tries again after a failure, later and later", async () => {
    await using cluster = await simulate({ seed: 1, nodes: 0 });
    const times: number[] = [];
    await run(cluster, {
      reconcile: async (object) => {
        if (!isOurs(object)) return done;
        times.push(cluster.clock.monotonic());
        if (times.length < 5) throw new Error("not yet");
        return done;
      },
    });
    await cluster.client.resource(configMaps).create(configMap("test"));
    await cluster.clock.advance(1_000);
    expect(times.map((time) => time - (times[0] ?? 0))).toEqual([0, 5, 15, 35, 75]);
  });

  it("refuses to look at a kind that it did not declare", async () => {
    await using cluster = await simulate({ seed: 1, nodes: 0 });
    let message = "";
    await run(cluster, {
      reads: [reads(secrets)],
      reconcile: async (_object, context) => {
        try {
          context.informer({ ...secrets, plural: "others" });
        } catch (error) {
          message = String(error);
        }
        return done;
      },
    });
    await cluster.client.resource(configMaps).create(configMap("test"));
    await cluster.clock.advance(1_000);
    expect(message).toContain("does not declare to read others");
  });
});
