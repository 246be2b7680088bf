import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { emptyTable, ServiceTable } from "./plan.ts";
import type { ServiceRule } from "./service-rule.ts";

const rules: readonly ServiceRule[] = [
  {
    key: "default/web:http",
    protocol: "tcp",
    addresses: ["10.96.0.10", "192.0.2.7"],
    port: 80,
    nodePort: 30080,
    targets: [
      { ip: "10.244.0.2", port: 8080 },
      { ip: "10.244.0.3", port: 8080 },
    ],
    externalTargets: [{ ip: "10.244.0.2", port: 8080 }],
    serving: [],
    keepsClientAddress: true,
    sticky: true,
  },
  {
    key: "default/none:dns",
    protocol: "udp",
    addresses: ["10.96.0.11"],
    port: 53,
    nodePort: 30053,
    targets: [],
    externalTargets: [],
    serving: [],
    keepsClientAddress: false,
    sticky: false,
  },
];
const netns = "tskube-test-proxy";
const inNamespace = (args: readonly string[], input = ""): string =>
  execFileSync("ip", ["netns", "exec", netns, ...args], { input, encoding: "utf8" });
const tableOf = (): string =>
  inNamespace(["nft", "list", "table", "ip", "tskube"]).replace(/ # handle \d+/g, "");

if (process.getuid?.() !== 0) console.log("skipped: the plan in the kernel: it needs root");

it.skipIf(process.getuid?.() !== 0)(
  "the kernel takes the plan, and every change of it (needs root)",
  () => {
    execFileSync("ip", ["netns", "add", netns]);
    try {
      const apply = (lines: readonly string[]): string =>
        inNamespace(["nft", "-f", "-"], lines.join("\n"));
      apply(emptyTable);
      const empty = tableOf();
      const table = new ServiceTable();
      apply(table.change([], rules));
      expect(tableOf()).toMatch(/10\.96\.0\.10 \. tcp \. 80 : goto svc-/);
      const keys = rules.map((rule) => rule.key);
      const flipped = rules.map((rule) => ({
        ...rule,
        targets: rule.externalTargets,
        nodePort: 30099 + rule.port,
      }));
      apply(table.change(keys, flipped));
      expect(tableOf()).toContain("30179");
      apply(table.change(keys, []));
      expect(tableOf()).toBe(empty);
    } finally {
      execFileSync("ip", ["netns", "delete", netns]);
    }
  },
);
