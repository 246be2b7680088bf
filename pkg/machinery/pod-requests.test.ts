import { describe, expect, it } from "vitest";
import type { Container, Pod } from "../../api/core/v1.ts";
import { podRequests } from "./pod-requests.ts";

const asks = (cpu: string, more: Partial<Container> = {}): Container => ({
  name: "c",
  ...more,
  resources: { requests: { cpu } },
});
const sidecar = (cpu: string): Container => asks(cpu, { restartPolicy: "Always" });
const pod = (spec: Partial<NonNullable<Pod["spec"]>>): Pod => ({
  spec: { containers: [], ...spec },
});

describe("podRequests", () => {
  for (const [title, spec, cpuMillis] of [
    ["adds containers up", { containers: [asks("1"), asks("500m")] }, 1_500],
    [
      "counts the largest init container beside the sidecars before it",
      { initContainers: [sidecar("1"), asks("4")], containers: [asks("2")] },
      5_000,
    ],
    [
      "counts a sidecar beside the containers, and not beside who ran before it",
      { initContainers: [asks("2"), sidecar("1")], containers: [asks("1500m")] },
      2_500,
    ],
    [
      "takes what the pod itself requests in place of the sum",
      { containers: [asks("1")], resources: { requests: { cpu: "3" } } },
      3_000,
    ],
    ["adds the overhead", { containers: [asks("1")], overhead: { cpu: "250m" } }, 1_250],
    ["asks for nothing when nobody does", { containers: [{ name: "c" }] }, undefined],
  ] as const)
    it(title, () => expect(podRequests(pod(spec)).get("cpu")).toBe(cpuMillis));

  it("counts other resources in whole units, rounded up", () => {
    const requests = { memory: "1500m", "example.com/gpu": "2" };
    const amounts = podRequests(pod({ containers: [{ name: "c", resources: { requests } }] }));
    expect([...amounts]).toEqual([
      ["memory", 2],
      ["example.com/gpu", 2],
    ]);
  });
});
