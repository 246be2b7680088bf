import { describe, expect, it } from "vitest";
import { planNodeRoutes, routeProtocol } from "./node-routes-plan.ts";

const route = (address: string, gateway: string) => ({
  destination: { address, prefixBits: 24 },
  gateway,
  protocol: routeProtocol,
});
const one = { name: "n1", podCidr: "10.244.0.0/24", address: "10.0.0.1" };
const two = { name: "n2", podCidr: "10.244.1.0/24", address: "10.0.0.2" };

describe("planNodeRoutes", () => {
  for (const [title, nodes, present, expected] of [
    ["leads to the others' pods, never to its own", [one, two], [], ["add 10.244.1.0 10.0.0.2"]],
    ["leaves what is right", [one, two], [route("10.244.1.0", "10.0.0.2")], []],
    ["waits for a range", [one, { name: "n2", address: "10.0.0.2" }], [], []],
    ["waits for an address", [one, { name: "n2", podCidr: "10.244.1.0/24" }], [], []],
    ["takes away who is gone", [one], [route("10.244.1.0", "10.0.0.2")], ["delete 10.244.1.0 "]],
    [
      "follows a node to its new address",
      [one, two],
      [route("10.244.1.0", "10.0.0.9")],
      ["delete 10.244.1.0 ", "add 10.244.1.0 10.0.0.2"],
    ],
  ] as const) {
    it(title, () => {
      const told = planNodeRoutes(nodes, "n1", present).map((request) =>
        "destination" in request
          ? `${request.do.split("-")[0]} ${request.destination?.address} ${"gateway" in request ? request.gateway : ""}`
          : request.do,
      );
      expect(told).toEqual(expected);
    });
  }
});
