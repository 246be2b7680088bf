import { expect, it } from "vitest";
import { podDisruptionBudgets, services, statefulSets } from "../../api/resources.ts";
import type { Client, Informers } from "../client/client.ts";
import { StatusError } from "../machinery/status-error.ts";
import { SimulatedClock } from "../sim/simulated-clock.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { servedInformers } from "./served-informers.ts";

const lists: Readonly<Record<string, readonly string[]>> = {
  "/api/v1": ["pods", "services"],
  "/apis/apps/v1": ["replicasets"],
};

it("asks for what the server has, and again when it does not answer", async () => {
  const clock = new SimulatedClock();
  let failures = 2;
  const raw = (_method: string, path: string): Promise<Uint8Array> => {
    if (path === "/api/v1" && failures-- > 0) return Promise.reject(new Error("refused"));
    const names = lists[path];
    if (names === undefined) return Promise.reject(new StatusError("NotFound", "no such group"));
    const resources = names.map((name) => ({ name }));
    return Promise.resolve(new TextEncoder().encode(JSON.stringify({ resources })));
  };
  const asked: string[] = [];
  const informer = ({ plural }: { plural: string }): object => {
    asked.push(plural);
    return { synced: Promise.resolve() };
  };
  const doors = {
    client: { raw } as unknown as Client,
    informers: { informer } as unknown as Informers,
    clock,
    logger: silentLogger,
  };
  const refs = [services, statefulSets, podDisruptionBudgets];
  const opening = servedInformers(doors, refs, new AbortController().signal);
  await clock.advance(5_000);
  const served = await opening;
  await served.synced;
  expect(new Set(asked)).toEqual(new Set(["services"]));
  expect(served.get(services)).toBeDefined();
  expect(served.get(statefulSets)).toBeUndefined();
  expect(served.get(podDisruptionBudgets)).toBeUndefined();
});
