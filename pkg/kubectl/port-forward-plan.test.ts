import { describe, expect, it } from "vitest";
import type { Pod, Service } from "../../api/core/v1.ts";
import { planAddresses, planPorts } from "./port-forward-plan.ts";

const pod: Pod = {
  metadata: { name: "p" },
  spec: { containers: [{ name: "c", ports: [{ name: "http", containerPort: 8080 }] }] },
};
const service = (clusterIP = "10.0.0.1"): Service => ({
  metadata: { name: "s" },
  spec: {
    clusterIP,
    ports: [
      { name: "web", port: 80, targetPort: "http" },
      { port: 443, targetPort: 8443 },
      { name: "none", port: 90, targetPort: "missing" },
    ],
  },
});

describe("planPorts", () => {
  for (const [title, word, of, local, remote] of [
    ["one port for both sides", "80", undefined, 80, 80],
    ["a port for each side", "8000:80", undefined, 8000, 80],
    ["any port here", ":80", undefined, 0, 80],
    ["zero for any port", "0:80", undefined, 0, 80],
    ["a name of the pod", "http", undefined, 8080, 8080],
    ["a name of the pod, elsewhere here", "1:http", undefined, 1, 8080],
    ["a service's port by number", "80", service(), 80, 8080],
    ["a service's port by name", "5:web", service(), 5, 8080],
    ["a service's port by name alone", "web", service(), 80, 8080],
    ["a service's numeric target", ":443", service(), 0, 8443],
    ["a headless service's port as it is", "443", service("None"), 443, 443],
  ] as const) {
    it(`takes ${title}`, () => expect(planPorts([word], pod, of)).toEqual([{ local, remote }]));
  }
  for (const [word, of, problem] of [
    ["a:1:2", undefined, "invalid port format"],
    ["x:80", undefined, "error parsing local port 'x'"],
    ["80:0", undefined, "remote port must be > 0"],
    ["80:70000", undefined, "value out of range"],
    ["nope", undefined, "Pod 'p' does not have a named port 'nope'"],
    ["81", service(), "Service s does not have a service port 81"],
    ["nope", service(), "Service 's' does not have a named port 'nope'"],
    ["none", service(), "Pod 'p' does not have a named port 'missing'"],
  ] as const) {
    it(`refuses ${word}: ${problem}`, () =>
      expect(() => planPorts([word], pod, of)).toThrow(problem));
  }
});

it("listens at both families' loopback, or where it is told", () => {
  expect(planAddresses([]).map(({ address }) => address)).toEqual(["127.0.0.1", "::1"]);
  expect(planAddresses(["10.0.0.1,localhost", "127.0.0.1"])).toHaveLength(3);
  expect(() => planAddresses(["host"])).toThrow("host is not a valid IP");
});
