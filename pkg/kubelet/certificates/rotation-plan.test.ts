import { describe, expect, it } from "vitest";
import { planCertificate } from "./rotation-plan.ts";

const year = 365 * 24 * 3_600_000;
/** Signers write a beginning five minutes back. */
const current = { notBeforeMs: -300_000, notAfterMs: year, names: ["n1", "10.0.0.1"] };

describe("planCertificate", () => {
  for (const [title, fraction, nowMs, expected] of [
    [
      "waits for 70 % of its life at the least",
      0,
      0.69 * year,
      { do: "wait", untilMs: 0.7 * year },
    ],
    ["renews then", 0, 0.7 * year, { do: "request", because: /most/, isExpired: false }],
    ["waits for 90 % at the most", 0.999, 0.89 * year, { do: "wait" }],
    ["renews by then", 0.999, 0.9 * year, { do: "request", because: /most/, isExpired: false }],
    ["knows what has ended", 0, year, { do: "request", because: /expired/, isExpired: true }],
  ] as const) {
    it(title, () => {
      const step = planCertificate(current, ["n1"], fraction, nowMs);
      const { because, ...rest } = { because: undefined, ...expected };
      expect(step).toMatchObject(rest);
      if (because !== undefined) expect(step.do === "request" && step.because).toMatch(because);
    });
  }
  it("does not take a short life for one that is over at its birth", () => {
    const short = { ...current, notAfterMs: 60_000 };
    expect(planCertificate(short, [], 0, 0)).toEqual({ do: "wait", untilMs: 42_000 });
    const bare = { ...current, notBeforeMs: 0, notAfterMs: 60_000 };
    expect(planCertificate(bare, [], 0, 0)).toEqual({ do: "wait", untilMs: 42_000 });
  });
  it("asks where there is none, and where a name is missing", () => {
    expect(planCertificate(undefined, [], 0, 0)).toMatchObject({ do: "request" });
    expect(planCertificate(current, ["n1", "10.0.0.2"], 0, 0)).toMatchObject({
      do: "request",
      because: "it lacks the name 10.0.0.2",
    });
  });
});
