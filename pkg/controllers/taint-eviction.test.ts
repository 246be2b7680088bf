import { describe, expect, it } from "vitest";
import { evictionTimeMs } from "./taint-eviction.ts";
import { pod } from "./testing/objects.ts";

const taint = { key: "lost", effect: "NoExecute", timeAdded: "2026-01-01T00:10:00Z" } as const;
const atMs = Date.parse(taint.timeAdded);
const createdAt = "2026-01-01T00:00:00Z";
const forSeconds = (tolerationSeconds: number) => ({
  key: "lost",
  operator: "Exists",
  effect: "NoExecute",
  tolerationSeconds,
});

describe("evictionTimeMs", () => {
  for (const [title, tolerations, taints, expected] of [
    ["at once when nothing is tolerated", [], [taint], atMs],
    ["never without a taint that evicts", [], [{ ...taint, effect: "NoSchedule" }], undefined],
    ["never when tolerated for ever", [{ key: "lost", operator: "Exists" }], [taint], undefined],
    ["after the time that is tolerated", [forSeconds(30)], [taint], atMs + 31_000],
    ["after the shortest of several", [forSeconds(30), forSeconds(10)], [taint], atMs + 11_000],
    ["at once for less than no time", [forSeconds(-5)], [taint], atMs],
    ["by the taint that is not tolerated", [forSeconds(30)], [taint, { ...taint, key: "x" }], atMs],
  ] as const)
    it(title, () =>
      expect(evictionTimeMs(pod("a", { tolerations, createdAt }), taints)).toBe(expected),
    );

  it("counts from when the pod came, if the taint was there before", () => {
    const late = pod("a", { tolerations: [forSeconds(30)], createdAt: "2026-01-01T00:20:00Z" });
    expect(evictionTimeMs(late, [taint])).toBe(Date.parse("2026-01-01T00:20:31Z"));
  });
});
