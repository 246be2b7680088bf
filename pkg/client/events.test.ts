import { describe, expect, it } from "vitest";
import { events, nodes } from "../../api/resources.ts";
import { simulate } from "../sim/simulate.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { createEventRecorder } from "./events.ts";

describe("createEventRecorder", () => {
  it("loses no event when two components speak of one object at one instant", async () => {
    await using cluster = await simulate({ seed: 7, nodes: 0 });
    const { client, clock } = cluster;
    const stop = new AbortController();
    const doors = { client, clock, logger: silentLogger };
    const object = { metadata: { name: "n1", uid: "1" } };
    const components = ["a", "b", "c"];
    for (const name of components)
      createEventRecorder(doors, name, stop.signal).record(
        { ref: nodes, object },
        "Normal",
        "Said",
        `by ${name}`,
      );
    await clock.advance(1_000);
    const { items } = await client.resource(events).list({ namespace: "default" });
    const said = items.filter(({ reason }) => reason === "Said");
    expect(new Set(said.map(({ source }) => source?.component))).toEqual(new Set(components));
    expect(new Set(said.map(({ metadata }) => metadata?.name)).size).toBe(components.length);
    for (const { metadata } of said) expect(metadata?.name).toMatch(/^n1\.[0-9a-f]+$/);
    stop.abort(new Error("stopped"));
  });
});
