import { describe, expect, it } from "vitest";
import type { Pod, Service } from "../../../api/core/v1.ts";
import type { EndpointSlice } from "../../../api/discovery/v1.ts";
import { node, pod, service } from "../testing/objects.ts";
import { planEndpointSlices, type Change } from "./plan.ts";

const plan = (
  wanted: Service,
  pods: readonly Pod[],
  slices: readonly EndpointSlice[] = [],
): readonly Change[] =>
  planEndpointSlices(wanted, {
    pods,
    slices,
    node: (name) => node(name, { ready: "True", zone: "zone-a" }),
  });

const told = (changes: readonly Change[]): readonly string[] =>
  changes.map(({ do: what, slice }) => {
    const ports = (slice.ports ?? []).map(({ port }) => port).join(",");
    return `${what} ${slice.addressType} [${ports}] ${(slice.endpoints ?? []).length}`;
  });

/** The slices that a plan would leave. */
const applied = (changes: readonly Change[]): readonly EndpointSlice[] =>
  changes
    .filter((change) => change.do !== "delete")
    .map(({ slice }, index) => ({ ...slice, metadata: { name: `s${index}`, ...slice.metadata } }));

const many = (count: number, from = 0): readonly Pod[] =>
  Array.from({ length: count }, (_, index) =>
    pod(`p${from + index}`, {
      ip: `10.0.${Math.floor((from + index) / 250)}.${(from + index) % 250}`,
    }),
  );

describe("planEndpointSlices", () => {
  it("tells address, conditions, place and target of each pod", () => {
    const [change] = plan(service(), [pod("a", { ip: "10.0.0.1", node: "n1" })]);
    expect(change).toEqual({
      do: "create",
      slice: {
        metadata: {
          generateName: "web-",
          namespace: "default",
          labels: {
            team: "a",
            "kubernetes.io/service-name": "web",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
          },
          ownerReferences: [
            {
              apiVersion: "v1",
              kind: "Service",
              name: "web",
              uid: "service",
              controller: true,
              blockOwnerDeletion: true,
            },
          ],
        },
        addressType: "IPv4",
        ports: [{ name: "http", protocol: "TCP", port: 8080 }],
        endpoints: [
          {
            addresses: ["10.0.0.1"],
            conditions: { ready: true, serving: true, terminating: false },
            targetRef: { kind: "Pod", namespace: "default", name: "a", uid: "a" },
            nodeName: "n1",
            zone: "zone-a",
          },
        ],
      },
    });
  });

  for (const [title, facts, publishes, conditions] of [
    ["ready", {}, false, { ready: true, serving: true, terminating: false }],
    ["not ready", { ready: false }, false, { ready: false, serving: false, terminating: false }],
    [
      "not ready, published",
      { ready: false },
      true,
      { ready: true, serving: false, terminating: false },
    ],
    [
      "ending, still serving",
      { deleting: true },
      false,
      { ready: false, serving: true, terminating: true },
    ],
    [
      "ending, published",
      { deleting: true },
      true,
      { ready: true, serving: true, terminating: true },
    ],
  ] as const)
    it(`knows a pod that is ${title}`, () => {
      const wanted = service({ publishNotReadyAddresses: publishes });
      const [change] = plan(wanted, [pod("a", { ip: "10.0.0.1", ...facts })]);
      expect(change?.slice.endpoints?.[0]?.conditions).toEqual(conditions);
    });

  for (const [title, wanted, pods, expected] of [
    ["keeps an empty slice for a Service without pods", service(), [], ["create IPv4 [] 0"]],
    [
      "leaves out pods that ended",
      service(),
      [pod("a", { ip: "10.0.0.1", phase: "Failed" })],
      ["create IPv4 [] 0"],
    ],
    ["leaves out pods without an address", service(), [pod("a")], ["create IPv4 [] 0"]],
    [
      "separates pods whose named port has another number",
      service(),
      [pod("a", { ip: "10.0.0.1" }), pod("b", { ip: "10.0.0.2", containerPort: 9090 })],
      ["create IPv4 [8080] 1", "create IPv4 [9090] 1"],
    ],
    [
      "takes a headless Service without ports",
      service({ clusterIP: "None", ports: [] }),
      [pod("a", { ip: "10.0.0.1" })],
      ["create IPv4 [] 1"],
    ],
    [
      "makes slices for each family",
      service({ ipFamilies: ["IPv4", "IPv6"] }),
      [pod("a", { ip: "fd00::1" })],
      ["create IPv4 [] 0", "create IPv6 [8080] 1"],
    ],
    [
      "puts at most a hundred into one slice",
      service(),
      many(250),
      ["create IPv4 [8080] 100", "create IPv4 [8080] 100", "create IPv4 [8080] 50"],
    ],
  ] as const)
    it(title, () => expect(told(plan(wanted, pods))).toEqual(expected));

  it("changes nothing when nothing changed", () => {
    const slices = applied(plan(service(), many(150)));
    expect(plan(service(), many(150), slices)).toEqual([]);
    expect(plan(service(), many(150).toReversed(), slices)).toEqual([]);
  });

  it("touches only the slice whose endpoint changed", () => {
    const slices = applied(plan(service(), many(150)));
    const changed = many(150).map((one, index) =>
      index === 120 ? pod("p120", { ip: "10.0.0.120", ready: false }) : one,
    );
    expect(told(plan(service(), changed, slices))).toEqual(["update IPv4 [8080] 50"]);
  });

  it("fills the slice that has room, and opens a new one only when none has", () => {
    const slices = applied(plan(service(), many(150)));
    expect(told(plan(service(), many(190), slices))).toEqual(["update IPv4 [8080] 90"]);
    const full = applied(plan(service(), many(200)));
    expect(told(plan(service(), many(230), full))).toEqual(["create IPv4 [8080] 30"]);
  });

  it("deletes slices that became empty, but the last", () => {
    const slices = applied(plan(service(), many(150)));
    expect(told(plan(service(), many(50, 100), slices))).toEqual(["delete IPv4 [8080] 100"]);
    const one = applied(plan(service(), []));
    expect(plan(service(), [], one)).toEqual([]);
  });

  it("follows the labels of the Service, and marks a headless one", () => {
    const slices = applied(plan(service(), many(1)));
    const wanted = { ...service({ clusterIP: "None" }) };
    const [change] = plan(
      { ...wanted, metadata: { ...wanted.metadata, labels: {} } },
      many(1),
      slices,
    );
    expect(change?.do).toBe("update");
    expect(change?.slice.metadata?.labels).toEqual({
      "service.kubernetes.io/headless": "",
      "kubernetes.io/service-name": "web",
      "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    });
  });
});

describe("hints", () => {
  const hintsOf = (trafficDistribution: string, pods: readonly Pod[]) =>
    plan(service({ trafficDistribution }), pods).flatMap(({ slice }) =>
      (slice.endpoints ?? []).map(({ hints }) => hints),
    );
  const bound = pod("a", { ip: "10.0.0.1", node: "n1" });
  const forZones = [{ name: "zone-a" }];

  it("means an endpoint for its own node, and its zone", () =>
    expect(hintsOf("PreferSameNode", [bound])).toEqual([{ forNodes: [{ name: "n1" }], forZones }]));
  it("or for its zone alone", () => {
    expect(hintsOf("PreferSameZone", [bound])).toEqual([{ forZones }]);
    expect(hintsOf("PreferClose", [bound])).toEqual([{ forZones }]);
  });
  it("says nothing of what is not ready", () =>
    expect(
      hintsOf("PreferSameNode", [pod("a", { ip: "10.0.0.1", node: "n1", ready: false })]),
    ).toEqual([undefined]));
});
