/**
 * One probe of one container as a pure state machine: outcomes go in, the result that counts comes
 * out. Thresholds turn outcomes into results; a single outcome changes nothing by itself.
 */
export type ProbeKind = "startup" | "liveness" | "readiness";
export type ProbeResult = "unknown" | "success" | "failure";

export interface ProbeTiming {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

export interface ProbeState {
  /** What the rest of the node acts on. */
  readonly result: ProbeResult;
  /** The last outcome, and how often in a row it was seen. */
  readonly last: ProbeResult;
  readonly run: number;
}

/** Until the first probe: not ready, not started, and alive. */
const initialResult: Readonly<Record<ProbeKind, ProbeResult>> = {
  readiness: "failure",
  liveness: "success",
  startup: "unknown",
};

export const initialProbeState = (kind: ProbeKind): ProbeState => ({
  result: initialResult[kind],
  last: "unknown",
  run: 0,
});

/** The state after one more outcome. */
export function stepProbe(
  state: ProbeState,
  outcome: "success" | "failure",
  timing: Pick<ProbeTiming, "successThreshold" | "failureThreshold">,
): ProbeState {
  const run = state.last === outcome ? state.run + 1 : 1;
  const needed = outcome === "success" ? timing.successThreshold : timing.failureThreshold;
  return { result: run >= needed ? outcome : state.result, last: outcome, run };
}

/** What v1.Probe leaves out is one second, ten seconds, once and three times. */
export interface ProbeSpec {
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

/** The API server fills defaults in, but a static pod's manifest never passed through it. */
const positive = (value: number | undefined, fallback: number): number =>
  value === undefined || value <= 0 ? fallback : value;

export const timingOf = (spec: ProbeSpec): ProbeTiming => ({
  initialDelayMs: (spec.initialDelaySeconds ?? 0) * 1000,
  periodMs: positive(spec.periodSeconds, 10) * 1000,
  timeoutMs: positive(spec.timeoutSeconds, 1) * 1000,
  successThreshold: positive(spec.successThreshold, 1),
  failureThreshold: positive(spec.failureThreshold, 3),
});

/** A failed liveness or startup probe waits for the new container that it causes. */
export const isFinished = (kind: ProbeKind, state: ProbeState): boolean =>
  (kind === "startup" && state.result !== "unknown") ||
  (kind === "liveness" && state.result === "failure");

/** First delay of the eager retries below. */
const eagerDelayMs = 10;

/**
 * Nothing listens in the first instants of a server's life, and a probe that is refused then is
 * repeated soon (10, 20, 40 ms …) in place of a whole period later: the container cannot notice,
 * and a pod is ready when it is ready. Undefined: the usual period applies.
 */
export function eagerRetryMs(attempt: number, timing: ProbeTiming): number | undefined {
  const delayMs = eagerDelayMs * 2 ** attempt;
  return delayMs < Math.min(timing.periodMs, 1000) ? delayMs : undefined;
}
