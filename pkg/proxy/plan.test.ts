import { describe, expect, it } from "vitest";
import { ServiceTable } from "./plan.ts";
import type { ServiceRule } from "./service-rule.ts";

const rule = (over: Partial<ServiceRule> = {}): ServiceRule => ({
  key: "default/web:http",
  protocol: "tcp",
  addresses: ["10.96.0.10"],
  port: 80,
  nodePort: undefined,
  targets: [{ ip: "10.244.0.2", port: 8080 }],
  externalTargets: [{ ip: "10.244.0.2", port: 8080 }],
  serving: [],
  keepsClientAddress: false,
  sticky: false,
  ...over,
});
const key = "default/web:http";
const two = [
  { ip: "10.244.0.2", port: 8080 },
  { ip: "10.244.0.3", port: 8080 },
];

describe("ServiceTable.change", () => {
  it("adds a service: chain first, then the element that leads to it", () => {
    const lines = new ServiceTable().change([], [rule()]);
    expect(lines.map((line) => line.replace(/svc-[0-9a-f]+/, "svc-X"))).toEqual([
      "add chain ip tskube svc-X",
      'add rule ip tskube svc-X meta l4proto tcp dnat ip addr . port to numgen random mod 1 map { 0 : 10.244.0.2 . 8080 } comment "default/web:http"',
      "add element ip tskube service-ips { 10.96.0.10 . tcp . 80 : goto svc-X }",
      "add element ip tskube hairpin { 10.244.0.2 . 10.244.0.2 }",
    ]);
  });

  it("does nothing when nothing changes", () => {
    const table = new ServiceTable();
    table.change([], [rule()]);
    expect(table.change([key], [rule()])).toEqual([]);
  });

  it("changes only the chain's rule when endpoints change", () => {
    const table = new ServiceTable();
    table.change([], [rule()]);
    const lines = table.change([key], [rule({ targets: two })]);
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^flush chain ip tskube svc-/);
    expect(lines[1]).toContain("mod 2 map { 0 : 10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080 }");
    expect(lines[2]).toBe("add element ip tskube hairpin { 10.244.0.3 . 10.244.0.3 }");
  });

  it("refuses connections when the last endpoint goes, and deletes the chain last", () => {
    const table = new ServiceTable();
    table.change([], [rule()]);
    const lines = table.change([key], [rule({ targets: [], externalTargets: [] })]);
    expect(lines.map((line) => line.replace(/svc-[0-9a-f]+/, "svc-X"))).toEqual([
      "delete element ip tskube service-ips { 10.96.0.10 . tcp . 80 }",
      "add element ip tskube no-endpoint-services { 10.96.0.10 . tcp . 80 : goto refuse }",
      "flush chain ip tskube svc-X",
      "delete chain ip tskube svc-X",
      "delete element ip tskube hairpin { 10.244.0.2 . 10.244.0.2 }",
    ]);
  });

  it("keeps a pod in the hairpin set while another service uses it", () => {
    const table = new ServiceTable();
    table.change([], [rule(), rule({ key: "default/other:http", addresses: ["10.96.0.11"] })]);
    expect(table.change([key], []).join("\n")).not.toContain("hairpin");
    expect(table.change(["default/other:http"], []).join("\n")).toContain(
      "delete element ip tskube hairpin",
    );
  });

  it("masquerades node ports, unless the client's address is to be kept", () => {
    const masked = new ServiceTable().change([], [rule({ nodePort: 30080 })]).join("\n");
    expect(masked).toContain("jump mark-for-masquerade");
    expect(masked).toContain("add element ip tskube node-ports { tcp . 30080 : goto ext-");
    const kept = new ServiceTable().change(
      [],
      [rule({ nodePort: 30080, keepsClientAddress: true })],
    );
    expect(kept.join("\n")).not.toContain("mark-for-masquerade");
  });

  it("drops silently at the node port of a Local service without a local endpoint", () => {
    const local = rule({ nodePort: 30080, externalTargets: [], keepsClientAddress: true });
    expect(new ServiceTable().change([], [local]).join("\n")).toContain(
      "add element ip tskube no-endpoint-node-ports { tcp . 30080 : drop }",
    );
  });

  it("costs one service's lines, whatever the number of services", () => {
    const table = new ServiceTable();
    const many = Array.from({ length: 1_000 }, (_, at) =>
      rule({ key: `default/s${at}:http`, addresses: [`10.97.${at >> 8}.${at & 255}`] }),
    );
    table.change([], many);
    expect(table.change([], [rule()])).toHaveLength(3);
  });
});
