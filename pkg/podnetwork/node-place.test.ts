import { expect, it } from "vitest";
import { isSamePlace, nodePlace, podLinksLabel } from "./node-place.ts";

it("takes a node's IPv4 address, range and wish from its object", () => {
  const node = {
    metadata: { name: "n1", labels: { [podLinksLabel]: "tunnel" } },
    spec: { podCIDR: "10.244.1.0/24" },
    status: {
      addresses: [
        { type: "Hostname", address: "n1" },
        { type: "InternalIP", address: "fd00::1" },
        { type: "InternalIP", address: "10.0.0.1" },
      ],
    },
  };
  const place = { name: "n1", podCidr: "10.244.1.0/24", address: "10.0.0.1", tunnels: true };
  expect(nodePlace(node)).toEqual(place);
});

it("says nothing of what is not known yet", () => {
  expect(nodePlace({ metadata: { name: "n1" } })).toEqual({ name: "n1", tunnels: false });
});

it("has news of a place only where one of these changes", () => {
  const node = { metadata: { name: "n1" }, spec: { podCIDR: "10.244.1.0/24" } };
  const beats = { ...node, status: { conditions: [{ type: "Ready", status: "True" }] } };
  expect(isSamePlace(beats, node)).toBe(true);
  expect(isSamePlace({ ...node, spec: { podCIDR: "10.244.2.0/24" } }, node)).toBe(false);
  expect(isSamePlace(node, undefined)).toBe(false);
  expect(isSamePlace(undefined, node)).toBe(false);
});
