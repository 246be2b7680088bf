import { describe, expect, it } from "vitest";
import type { EndpointSlice, Endpoint } from "../../api/discovery/v1.ts";
import type { Service, ServiceSpec } from "../../api/core/v1.ts";
import { serviceRules } from "./service-rule.ts";

const service = (spec: Partial<ServiceSpec> = {}): Service => ({
  metadata: { name: "web", namespace: "default" },
  spec: { clusterIP: "10.96.0.10", ports: [{ port: 80 }], ...spec },
});
const slice = (...endpoints: readonly Endpoint[]): EndpointSlice => ({
  metadata: { name: "web-1", namespace: "default" },
  addressType: "IPv4",
  ports: [{ name: "", port: 8080 }],
  endpoints,
});
const ip = (
  address: string,
  conditions: Endpoint["conditions"] = {},
  nodeName = "a",
): Endpoint => ({
  addresses: [address],
  conditions,
  nodeName,
});
const targets = (rules: ReturnType<typeof serviceRules>): readonly string[] =>
  rules.flatMap((rule) => rule.targets.map((target) => `${target.ip}:${target.port}`));

for (const [title, spec, endpoints, expected] of [
  [
    "takes ready endpoints",
    {},
    [ip("10.1.0.2"), ip("10.1.0.3", { ready: false })],
    ["10.1.0.2:8080"],
  ],
  [
    "falls back to those that serve while they terminate",
    {},
    [
      ip("10.1.0.2", { ready: false, serving: true, terminating: true }),
      ip("10.1.0.3", { ready: false }),
    ],
    ["10.1.0.2:8080"],
  ],
  [
    "does not use terminating ones while one is ready",
    {},
    [ip("10.1.0.2", { ready: false, serving: true, terminating: true }), ip("10.1.0.3")],
    ["10.1.0.3:8080"],
  ],
  ["knows no doubles", {}, [ip("10.1.0.2"), ip("10.1.0.2")], ["10.1.0.2:8080"]],
  [
    "keeps to this node with a Local policy",
    { internalTrafficPolicy: "Local" },
    [ip("10.1.0.2", {}, "a"), ip("10.1.0.3", {}, "b")],
    ["10.1.0.2:8080"],
  ],
] as const) {
  it(title, () => {
    expect(targets(serviceRules(service(spec), [slice(...endpoints)], { nodeName: "a" }))).toEqual(
      expected,
    );
  });
}

describe("services without an address of their own", () => {
  for (const [title, spec] of [
    ["headless", { clusterIP: "None" }],
    ["ExternalName", { type: "ExternalName", externalName: "example.org" }],
    ["not allocated yet", { clusterIP: "" }],
  ] as const) {
    it(`${title}: no rules`, () => {
      expect(serviceRules(service(spec), [slice(ip("10.1.0.2"))], { nodeName: "a" })).toEqual([]);
    });
  }
});

describe("hints", () => {
  const meant = (address: string, node: string, zone: string, ready = true): Endpoint => ({
    ...ip(address, { ready }, node),
    ...(ready ? { hints: { forNodes: [{ name: node }], forZones: [{ name: zone }] } } : {}),
  });
  const zoneOnly = (address: string, zone: string): Endpoint => ({
    ...ip(address),
    hints: { forZones: [{ name: zone }] },
  });
  const place = { nodeName: "a", zone: "z" };
  for (const [title, spec, endpoints, expected] of [
    ["the node's own first", {}, [meant("10.1.0.2", "a", "z"), meant("10.1.0.3", "b", "z")], "2"],
    ["its zone's next", {}, [meant("10.1.0.2", "c", "y"), meant("10.1.0.3", "b", "z")], "3"],
    ["any of the zone", {}, [zoneOnly("10.1.0.2", "z"), zoneOnly("10.1.0.3", "z")], "2 3"],
    ["all when none is near", {}, [zoneOnly("10.1.0.2", "x"), zoneOnly("10.1.0.3", "y")], "2 3"],
    ["all when one says nothing", {}, [meant("10.1.0.2", "a", "z"), ip("10.1.0.3")], "2 3"],
    [
      "others when the node's own is not ready",
      {},
      [meant("10.1.0.2", "a", "z", false), meant("10.1.0.3", "b", "y")],
      "3",
    ],
    [
      "not beside a policy",
      { internalTrafficPolicy: "Local" },
      [meant("10.1.0.2", "b", "z"), ip("10.1.0.3", {}, "a")],
      "3",
    ],
  ] as const)
    it(title, () => {
      const found = targets(serviceRules(service(spec), [slice(...endpoints)], place));
      expect(found.map((text) => text.split(/[.:]/)[3]).join(" ")).toBe(expected);
    });
});
