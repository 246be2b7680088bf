import { describe, expect, it } from "vitest";
import type { Pod } from "../../../api/core/v1.ts";
import { configMaps } from "../../../api/resources.ts";
import { simulate } from "../../sim/simulate.ts";
import { silentLogger } from "../../telemetry/logger.ts";
import { createPodObjects } from "./pod-objects.ts";

const pod: Pod = {
  metadata: { namespace: "default", name: "p", uid: "p" },
  spec: {
    containers: [{ name: "a" }],
    volumes: [{ name: "v", configMap: { name: "settings" } }],
  },
};

describe("what pods refer to", () => {
  const writeSettings = { metadata: { namespace: "default", name: "settings" } };

  it("is followed for as long as the kubelet runs, whatever pods are left then", async () => {
    await using cluster = await simulate({ seed: 1, nodes: 0 });
    const { client, clock } = cluster;
    const api = client.resource(configMaps);
    await api.create({ ...writeSettings, data: { at: "first" } });
    const stop = new AbortController();
    const changed: string[] = [];
    const doors = { ...cluster, logger: silentLogger };
    const objects = createPodObjects(doors, (uid) => changed.push(uid), stop.signal);
    let isKnown = false;
    void objects.follow(pod, stop.signal).then(() => (isKnown = true));
    expect(await cluster.runUntil(() => isKnown, 5_000)).toBe(true);
    changed.length = 0;
    await api.update({ ...writeSettings, data: { at: "second" } });
    expect(await cluster.runUntil(() => changed.length > 0, 5_000)).toBe(true);
    expect(objects.configMap(pod, "settings")?.data).toEqual({ at: "second" });

    stop.abort(new Error("the kubelet stops"));
    changed.length = 0;
    await api.update({ ...writeSettings, data: { at: "third" } });
    await clock.advance(5_000);
    expect(changed).toEqual([]);
  });
});
