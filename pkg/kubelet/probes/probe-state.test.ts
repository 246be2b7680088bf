import assert from "node:assert/strict";
import { describe, it } from "vitest";
import {
  eagerRetryMs,
  initialProbeState,
  isFinished,
  stepProbe,
  timingOf,
  type ProbeKind,
} from "./probe-state.ts";

const outcomes = { s: "success", f: "failure" } as const;

/** Outcomes as letters in, results as letters out. */
function run(kind: ProbeKind, given: string, thresholds: readonly [number, number]): string {
  const timing = { successThreshold: thresholds[0], failureThreshold: thresholds[1] };
  let state = initialProbeState(kind);
  let results = state.result.charAt(0);
  for (const letter of given) {
    state = stepProbe(state, outcomes[letter as "s" | "f"], timing);
    results += state.result.charAt(0);
  }
  return results;
}

describe("a probe's state", () => {
  for (const [title, kind, given, thresholds, results] of [
    ["readiness begins not ready", "readiness", "s", [1, 3], "fs"],
    [
      "readiness wants its successes in a row",
      "readiness",
      "sfss",
      [2, 3],
      "fffff".slice(0, 4) + "s",
    ],
    ["readiness is lost after three failures in a row", "readiness", "sffsfff", [1, 3], "fssssssf"],
    ["liveness begins alive and fails at the threshold", "liveness", "ff", [1, 2], "ssf"],
    ["liveness: one success starts the count again", "liveness", "fsff", [1, 2], "ssssf"],
    ["startup is unknown until it succeeds", "startup", "ffs", [1, 3], "uuus"],
    ["startup fails at the threshold", "startup", "fff", [1, 3], "uuuf"],
  ] as const) {
    it(title, () => assert.equal(run(kind, given, thresholds), results));
  }

  it("is finished when only a new container can help, or startup is over", () => {
    const failed = { result: "failure", last: "failure", run: 3 } as const;
    const good = { result: "success", last: "success", run: 1 } as const;
    assert.deepEqual(
      [isFinished("liveness", failed), isFinished("startup", failed), isFinished("startup", good)],
      [true, true, true],
    );
    assert.deepEqual(
      [isFinished("readiness", failed), isFinished("liveness", good)],
      [false, false],
    );
  });

  it("fills in what a manifest leaves out", () => {
    assert.deepEqual(timingOf({ periodSeconds: 0 }), {
      initialDelayMs: 0,
      periodMs: 10_000,
      timeoutMs: 1000,
      successThreshold: 1,
      failureThreshold: 3,
    });
  });

  it("repeats refused first probes soon, but for no longer than a second", () => {
    const timing = timingOf({});
    const delays = Array.from({ length: 8 }, (_, attempt) => eagerRetryMs(attempt, timing));
    assert.deepEqual(delays, [10, 20, 40, 80, 160, 320, 640, undefined]);
  });
});
