/** Which pods should leave for a pod of higher priority, and where. Pure. */
import type { Pod } from "../../api/core/v1.ts";
import type { PodDisruptionBudget } from "../../api/policy/v1.ts";
import { matchesSelector } from "../machinery/label-selector.ts";
import type { FitTrial, Refusal } from "./framework.ts";

export interface Candidate<N> {
  readonly node: N;
  /** Most important first; at least one. */
  readonly victims: readonly Pod[];
  /** How many of them a PodDisruptionBudget would rather keep. */
  readonly violations: number;
}

export const priorityOf = ({ spec }: Pod): number => spec?.priority ?? 0;
const startOf = ({ status }: Pod): number => Date.parse(status?.startTime ?? "") || Infinity;

/** Higher priority first; among equals, who has run longest. */
const byImportance = (a: Pod, b: Pod): number =>
  priorityOf(b) - priorityOf(a) || (startOf(a) < startOf(b) ? -1 : startOf(a) > startOf(b) ? 1 : 0);

/**
 * The fewest and least important pods of one node that must go: all of lower priority leave, and
 * one after another comes back while the preemptor still fits; first those that a budget protects.
 */
export function victimsOn(
  pods: readonly Pod[],
  priority: number,
  budgets: readonly PodDisruptionBudget[],
  trial: FitTrial,
): Omit<Candidate<unknown>, "node"> | Refusal {
  const lower = pods.filter((pod) => priorityOf(pod) < priority).toSorted(byImportance);
  if (lower.length === 0) return noVictims;
  for (const pod of lower) trial.remove(pod);
  const alone = trial.fits();
  if (!alone.fits) return alone;
  const guarded = protectedPods(lower, budgets);
  const gone = new Set(lower);
  const inTurn = [
    ...lower.filter((pod) => guarded.has(pod)),
    ...lower.filter((pod) => !guarded.has(pod)),
  ];
  for (const pod of inTurn) {
    trial.restore(pod);
    if (trial.fits().fits) gone.delete(pod);
    else trial.remove(pod);
  }
  const victims = lower.filter((pod) => gone.has(pod));
  return { victims, violations: victims.filter((pod) => guarded.has(pod)).length };
}

export const noVictims: Refusal = {
  fits: false,
  because: "No preemption victims found for incoming pod",
  preemptionHelps: false,
};

/** Those whose end would break a budget, if all of these ended in this order. */
function protectedPods(
  pods: readonly Pod[],
  budgets: readonly PodDisruptionBudget[],
): ReadonlySet<Pod> {
  const allowed = new Map(
    budgets.map((budget) => [budget, budget.status?.disruptionsAllowed ?? 0] as const),
  );
  const guarded = new Set<Pod>();
  for (const pod of pods) {
    for (const budget of budgets) {
      if (!covers(budget, pod)) continue;
      const left = (allowed.get(budget) ?? 0) - 1;
      allowed.set(budget, left);
      if (left < 0) guarded.add(pod);
    }
  }
  return guarded;
}

/** A pod that is on its way out already is no longer counted by its budget. */
function covers({ metadata, spec, status }: PodDisruptionBudget, pod: Pod): boolean {
  const { namespace, labels = {}, name = "" } = pod.metadata ?? {};
  if (metadata?.namespace !== namespace || Object.keys(labels).length === 0) return false;
  const selector = spec?.selector;
  if (selector === undefined || Object.keys(selector).length === 0) return false;
  if (status?.disruptedPods?.[name] !== undefined) return false;
  return matchesSelector(selector, labels);
}

/** 2 to the power of 31: makes every priority count as positive, so that fewer pods sum to less. */
const offset = 2 ** 31;

/** Each tells less is better; the next one decides among equals. */
const costs: readonly ((candidate: Candidate<unknown>) => number)[] = [
  ({ violations }) => violations,
  ({ victims: [first] }) => (first === undefined ? 0 : priorityOf(first)),
  ({ victims }) => victims.reduce((sum, pod) => sum + priorityOf(pod) + offset, 0),
  ({ victims }) => victims.length,
  // Of the most important victims, the one that started last loses least.
  ({ victims }) => -earliestStart(victims),
];

function earliestStart(victims: readonly Pod[]): number {
  const most = victims.reduce((highest, pod) => Math.max(highest, priorityOf(pod)), -Infinity);
  return victims
    .filter((pod) => priorityOf(pod) === most)
    .reduce((earliest, pod) => Math.min(earliest, startOf(pod)), Infinity);
}

/** The node on which preemption hurts least; the first one among equals. */
export function cheapest<N>(candidates: readonly Candidate<N>[]): Candidate<N> | undefined {
  let left = candidates;
  for (const cost of costs) {
    if (left.length < 2) break;
    const least = left.reduce((lowest, one) => Math.min(lowest, cost(one)), Infinity);
    left = left.filter((one) => cost(one) === least);
  }
  return left[0];
}
