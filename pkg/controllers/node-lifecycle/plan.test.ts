import { describe, expect, it } from "vitest";
import { node } from "../testing/objects.ts";
import {
  areTaintsRight,
  disruptionOf,
  graceMs,
  isSilenced,
  silentConditions,
  wantedTaints,
} from "./plan.ts";

const nowMs = Date.UTC(2026, 0, 1, 12);
const timeAdded = "2026-01-01T12:00:00Z";
const unreachable = "node.kubernetes.io/unreachable";
const notReady = "node.kubernetes.io/not-ready";

describe("silentConditions", () => {
  it("turns what the kubelet vouched for into Unknown, and leaves the rest", () => {
    const conditions = silentConditions(node("a", { ready: "True" }), nowMs);
    expect(conditions.find(({ type }) => type === "NetworkUnavailable")?.status).toBe("False");
    expect(conditions.find(({ type }) => type === "Ready")).toEqual({
      type: "Ready",
      status: "Unknown",
      reason: "NodeStatusUnknown",
      message: "Kubelet stopped posting node status.",
      lastHeartbeatTime: "2026-01-01T00:01:00Z",
      lastTransitionTime: timeAdded,
    });
    expect(conditions.find(({ type }) => type === "MemoryPressure")).toMatchObject({
      status: "Unknown",
      reason: "NodeStatusNeverUpdated",
      lastHeartbeatTime: "2026-01-01T00:00:00Z",
    });
  });

  it("gives a node that never spoke more time", () => {
    const ready = node("a", { ready: "True" });
    expect([graceMs(node("a"), 40_000), graceMs(ready, 40_000)]).toEqual([60_000, 39_500]);
    expect([graceMs(node("a"), 90_000), graceMs(ready, 100)]).toEqual([90_000, 0]);
  });

  it("is not written twice", () => {
    expect([isSilenced(node("a")), isSilenced(node("a", { ready: "Unknown" }))]).toEqual([
      false,
      true,
    ]);
  });
});

describe("wantedTaints", () => {
  const may = { mayEvict: true, mustSpare: false, nowMs };
  const told = (...args: Parameters<typeof wantedTaints>): readonly string[] =>
    wantedTaints(...args).map(({ key, effect }) => `${key}:${effect}`);

  for (const [title, wanted, rule, expected] of [
    ["none for a ready node", node("a", { ready: "True" }), may, []],
    [
      "both for a lost one",
      node("a", { ready: "Unknown" }),
      may,
      [`${unreachable}:NoSchedule`, `${unreachable}:NoExecute`],
    ],
    [
      "both for one that says no",
      node("a", { ready: "False" }),
      may,
      [`${notReady}:NoSchedule`, `${notReady}:NoExecute`],
    ],
    [
      "only NoSchedule while evicting must wait",
      node("a", { ready: "Unknown" }),
      { ...may, mayEvict: false },
      [`${unreachable}:NoSchedule`],
    ],
    [
      "for one that was cordoned",
      node("a", { ready: "True", unschedulable: true }),
      may,
      ["node.kubernetes.io/unschedulable:NoSchedule"],
    ],
    [
      "no longer, once ready again, but those of others",
      node("a", {
        ready: "True",
        taints: [
          { key: unreachable, effect: "NoExecute" },
          { key: unreachable, effect: "NoSchedule" },
          { key: "mine", effect: "NoExecute" },
        ],
      }),
      may,
      ["mine:NoExecute"],
    ],
    [
      "NoExecute stays while the reason does, though evicting must wait",
      node("a", { ready: "Unknown", taints: [{ key: unreachable, effect: "NoExecute" }] }),
      { ...may, mayEvict: false },
      [`${unreachable}:NoExecute`, `${unreachable}:NoSchedule`],
    ],
    [
      "NoExecute goes when everybody is lost",
      node("a", { ready: "Unknown", taints: [{ key: unreachable, effect: "NoExecute" }] }),
      { ...may, mustSpare: true },
      [`${unreachable}:NoSchedule`],
    ],
  ] as const)
    it(title, () => expect(told(wanted, rule)).toEqual(expected));

  it("are right when nothing is to be added or taken away at once", () => {
    const stale = [{ key: unreachable, effect: "NoExecute" }];
    const areRight = (facts: Parameters<typeof node>[1]): boolean =>
      areTaintsRight(node("a", facts), nowMs);
    expect([areRight({ ready: "True" }), areRight({ ready: "True", taints: stale })]).toEqual([
      true,
      false,
    ]);
    expect(areRight({ ready: "True", unschedulable: true })).toBe(false);
  });

  it("is the very same list when nothing changes, and tells when a taint came", () => {
    const taints = [{ key: "mine", effect: "NoExecute" }];
    const ready = node("a", { ready: "True", taints });
    expect(wantedTaints(ready, may)).toBe(ready.spec?.taints);
    expect(wantedTaints(node("a", { ready: "Unknown" }), may)[0]?.timeAdded).toBe(timeAdded);
  });
});

describe("disruptionOf", () => {
  const zone = (name: string, ready: number, lost: number) => [
    ...Array.from({ length: ready }, (_, index) =>
      node(`${name}r${index}`, { ready: "True", zone: name }),
    ),
    ...Array.from({ length: lost }, (_, index) =>
      node(`${name}l${index}`, { ready: "Unknown", zone: name }),
    ),
  ];
  for (const [title, nodes, isTotal, rates] of [
    ["a healthy zone evicts one in ten seconds", zone("a", 3, 1), false, [0.1]],
    ["a small zone that is mostly lost evicts nobody", zone("a", 2, 3), false, [0]],
    ["a large one slowly", zone("a", 20, 40), false, [0.01]],
    [
      "a zone that is lost as a whole evicts, if another lives",
      [...zone("a", 0, 3), ...zone("b", 1, 0)],
      false,
      [0.1, 0.1],
    ],
    ["when all is lost, it is we who are blind", zone("a", 0, 3), true, [0.1]],
  ] as const)
    it(title, () => {
      const disruption = disruptionOf(nodes);
      expect(disruption.isTotal).toBe(isTotal);
      expect([...disruption.rates.values()]).toEqual(rates);
    });
});
