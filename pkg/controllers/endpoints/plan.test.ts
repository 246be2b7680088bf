import { describe, expect, it } from "vitest";
import type { Endpoints } from "../../../api/core/v1.ts";
import { pod, service } from "../testing/objects.ts";
import { planEndpoints } from "./plan.ts";

const subsetsOf = (...args: Parameters<typeof planEndpoints>): Endpoints["subsets"] => {
  const change = planEndpoints(...args);
  return change.do === "nothing" ? undefined : change.endpoints.subsets;
};
const ips = (subsets: Endpoints["subsets"]) =>
  (subsets ?? []).map(({ addresses, notReadyAddresses, ports }) => ({
    ready: (addresses ?? []).map(({ ip }) => ip),
    notReady: (notReadyAddresses ?? []).map(({ ip }) => ip),
    ports: (ports ?? []).map(({ port }) => port),
  }));

describe("planEndpoints", () => {
  const pods = [
    pod("b", { ip: "10.0.0.2" }),
    pod("a", { ip: "10.0.0.1" }),
    pod("slow", { ip: "10.0.0.3", ready: false }),
    pod("ending", { ip: "10.0.0.4", deleting: true }),
    pod("other", { ip: "10.0.0.5", containerPort: 9090 }),
    pod("portless", { ip: "10.0.0.6", portName: "admin" }),
  ];

  it("sorts pods by readiness and ports, and leaves out those that end or lack the port", () => {
    expect(ips(subsetsOf(service(), pods, undefined))).toEqual([
      { ready: ["10.0.0.1", "10.0.0.2"], notReady: ["10.0.0.3"], ports: [8080] },
      { ready: ["10.0.0.5"], notReady: [], ports: [9090] },
    ]);
  });

  it("publishes all that can be reached when asked to", () => {
    const wanted = service({ publishNotReadyAddresses: true });
    expect(ips(subsetsOf(wanted, pods.slice(0, 4), undefined))).toEqual([
      { ready: ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"], notReady: [], ports: [8080] },
    ]);
  });

  it("does nothing when nothing changed, and follows what did", () => {
    const change = planEndpoints(service(), pods, undefined);
    const present = change.do === "nothing" ? undefined : change.endpoints;
    expect(planEndpoints(service(), pods, present)).toEqual({ do: "nothing" });
    expect(planEndpoints(service(), pods.slice(1), present).do).toBe("update");
  });

  it("keeps at most a thousand addresses, and says so", () => {
    const crowd = Array.from({ length: 1_100 }, (_, index) =>
      pod(`p${index}`, { ip: `10.1.${Math.floor(index / 250)}.${index % 250}` }),
    );
    const change = planEndpoints(service(), crowd, undefined);
    if (change.do === "nothing") throw new Error("nothing was planned");
    expect(change.endpoints.subsets?.[0]?.addresses).toHaveLength(1_000);
    expect(change.endpoints.metadata?.annotations).toEqual({
      "endpoints.kubernetes.io/over-capacity": "truncated",
    });
  });
});
