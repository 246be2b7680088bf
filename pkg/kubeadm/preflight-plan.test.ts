import { describe, expect, it } from "vitest";
import { planPreflight, type MachineFacts, type Preflight } from "./preflight-plan.ts";

const good: MachineFacts = {
  isRoot: true,
  nodeName: "machine-1",
  cpus: 2,
  memoryBytes: 4 * 2 ** 30,
  freeDiskBytes: 20 * 2 ** 30,
  swapBytes: 0,
  kernelRelease: "6.18.1",
  cgroupControllers: ["cpu", "cpuset", "memory", "pids"],
  missingFilesystems: [],
  busyPorts: [],
  leftovers: [],
  missingPrograms: [],
  addresses: ["127.0.0.1", "10.31.0.11"],
};
const preflight = (facts: Partial<MachineFacts>, more: Partial<Preflight> = {}): Preflight => ({
  facts: { ...good, ...facts },
  address: "10.31.0.11",
  isControlPlane: true,
  ...more,
});
const checksOf = (one: Preflight, ignored: readonly string[] = []): readonly string[] =>
  planPreflight(one, ignored).errors.map(({ check }) => check);

describe("planPreflight", () => {
  for (const [title, facts, expected] of [
    ["finds nothing on a good machine", {}, []],
    ["wants root", { isRoot: false }, ["IsPrivilegedUser"]],
    ["wants swap off", { swapBytes: 1 }, ["Swap"]],
    ["wants a DNS name", { nodeName: "Machine_1" }, ["Hostname"]],
    ["wants a new kernel", { kernelRelease: "5.4.0" }, ["KernelVersion"]],
    ["names each busy port", { busyPorts: [6443, 2379] }, ["Port", "Port"]],
    [
      "names each missing controller",
      { cgroupControllers: ["cpu", "memory", "cpuset"] },
      ["SystemVerification"],
    ],
    ["wants an address of this machine", { addresses: ["127.0.0.1"] }, ["Address"]],
    [
      "finds what an earlier cluster left",
      { leftovers: ["/etc/tskube/manifests"] },
      ["DirAvailable"],
    ],
  ] as const) {
    it(title, () => expect(checksOf(preflight(facts))).toEqual(expected));
  }

  it("tells all at once, each with a remedy", () => {
    const { errors } = planPreflight(preflight({ isRoot: false, swapBytes: 1, cpus: 1 }), []);
    expect(errors.map(({ check }) => check)).toEqual(["IsPrivilegedUser", "NumCPU", "Swap"]);
    expect(errors.every(({ remedy }) => remedy !== "")).toBe(true);
  });

  it("lets a worker have one CPU", () =>
    expect(checksOf(preflight({ cpus: 1 }, { isControlPlane: false }))).toEqual([]));

  it("passes over what it is told to, and still warns", () => {
    const { errors, warnings } = planPreflight(preflight({ swapBytes: 1, cpus: 1 }), ["swap"]);
    expect(errors.map(({ check }) => check)).toEqual(["NumCPU"]);
    expect(warnings.map(({ check }) => check)).toEqual(["Swap"]);
    expect(checksOf(preflight({ swapBytes: 1, cpus: 1 }), ["all"])).toEqual([]);
  });
});
