import { describe, expect, it } from "vitest";
import type { Flow } from "../linux/conntrack-message.ts";
import type { ServiceRule, Target } from "./service-rule.ts";
import { staleFlows, UdpRules } from "./stale-flows.ts";

const target = (text: string): Target => {
  const [ip = "", port] = text.split(":");
  return { ip, port: Number(port) };
};
const rule = (targets: readonly string[], over: Partial<ServiceRule> = {}): ServiceRule => ({
  key: "kube-system/kube-dns:dns",
  protocol: "udp",
  addresses: ["10.96.0.10"],
  port: 53,
  nodePort: 30053,
  targets: targets.map(target),
  externalTargets: targets.map(target),
  serving: targets.map(target),
  keepsClientAddress: false,
  sticky: false,
  ...over,
});
/** "10.96.0.10:53 → 10.244.0.2:53": sent there, answered from here. */
const flow = (text: string): Flow => {
  const [to = "", from = ""] = text
    .split(" → ")
    .map(target)
    .map(({ ip, port }) => ({ ip, port }));
  const client = { ip: "10.244.0.9", port: 4242 };
  const tuple = (source: Target, destination: Target) => ({
    sourceIp: source.ip,
    sourcePort: source.port,
    destinationIp: destination.ip,
    destinationPort: destination.port,
  });
  return {
    original: tuple(client, to as Target),
    reply: tuple(from as Target, client),
  };
};

describe("staleFlows", () => {
  const isStale = staleFlows([rule(["10.244.0.2:53"])]);
  for (const [title, text, expected] of [
    ["to an endpoint that is there", "10.96.0.10:53 → 10.244.0.2:53", false],
    ["to one that is gone", "10.96.0.10:53 → 10.244.0.3:53", true],
    ["to another port of it", "10.96.0.10:53 → 10.244.0.2:54", true],
    ["to nobody: from before there were rules", "10.96.0.10:53 → 10.96.0.10:53", true],
    ["through the node's port", "192.0.2.1:30053 → 10.244.0.2:53", false],
    ["through the node's port, to one that is gone", "192.0.2.1:30053 → 10.244.0.3:53", true],
    ["to somebody else's port", "192.0.2.1:30053 → 192.0.2.1:30053", false],
    ["to no service", "192.0.2.1:53 → 10.244.0.3:53", false],
  ] as const)
    it(title, () => expect(isStale(flow(text))).toBe(expected));
});

describe("UdpRules", () => {
  const { key } = rule([]);
  const lost = (rules: UdpRules, ...after: readonly ServiceRule[]): readonly string[] =>
    rules.change([key], after).map(({ serving }) => serving.map(({ ip }) => ip).join(" "));

  it("tells which rules lost an endpoint, as they are now", () => {
    const rules = new UdpRules();
    expect(lost(rules, rule(["10.244.0.2:53"]))).toEqual([]);
    expect(lost(rules, rule(["10.244.0.2:53", "10.244.0.3:53"]))).toEqual([]);
    expect(lost(rules, rule(["10.244.0.3:53"]))).toEqual(["10.244.0.3"]);
    expect(rules.all()).toHaveLength(1);
    expect(lost(rules)).toEqual([""]);
    expect(rules.all()).toEqual([]);
  });

  it("lets those go on who get nothing new", () => {
    const rules = new UdpRules();
    const both = ["10.244.0.2:53", "10.244.0.3:53"];
    lost(rules, rule(both));
    const near = rule(["10.244.0.2:53"], { serving: both.map(target) });
    expect(lost(rules, near)).toEqual([]);
    expect(staleFlows([near])(flow("10.96.0.10:53 → 10.244.0.3:53"))).toBe(false);
  });

  it("leaves TCP alone: it has an end of its own", () => {
    const rules = new UdpRules();
    lost(rules, rule(["10.244.0.2:53"], { protocol: "tcp" }));
    expect(lost(rules)).toEqual([]);
  });
});
