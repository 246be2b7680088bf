/** A pod's topology spread constraints, with everything filled in that they leave open. Pure. */
import type { Node, Pod, TopologySpreadConstraint } from "../../api/core/v1.ts";
import { matchesRequirements, type Requirement } from "../machinery/label-selector.ts";
import { requiresNode } from "../machinery/node-selector.ts";
import { nodeLabels } from "./node-labels.ts";
import { podsOf, requirementsOrNone, type PodMatcher } from "./pod-matcher.ts";
import { isUntolerated } from "./taints.ts";
import type { Eligibility } from "./topology-tally.ts";

export type Action = "DoNotSchedule" | "ScheduleAnyway";

export interface SpreadRule {
  readonly maxSkew: number;
  readonly minDomains: number;
  readonly topologyKey: string;
  /** Undefined selects nothing. */
  readonly selector: readonly Requirement[] | undefined;
  readonly matcher: PodMatcher;
  /** Which nodes count: those with all these labels that the inclusion policies admit. */
  readonly eligibility: (keys: readonly string[]) => Eligibility;
}

export const selectsPod = (selector: readonly Requirement[] | undefined, pod: Pod): boolean =>
  selector !== undefined && matchesRequirements(selector, pod.metadata?.labels);

/** `selector` stands in for those of the constraints, where they are defaults. */
export const spreadRules = (
  pod: Pod,
  constraints: readonly TopologySpreadConstraint[],
  action: Action,
  selector?: readonly Requirement[],
): readonly SpreadRule[] =>
  constraints
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === action)
    .map((constraint) => ruleOf(pod, constraint, selector ?? selectorOf(pod, constraint)));

/** The constraint's selector, and of the pod's own labels those that matchLabelKeys name. */
function selectorOf(
  { metadata }: Pod,
  { labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint,
): readonly Requirement[] | undefined {
  const base = requirementsOrNone(labelSelector);
  if (base === undefined) return undefined;
  const own = matchLabelKeys.flatMap((key): readonly Requirement[] => {
    const value = metadata?.labels?.[key];
    return value === undefined ? [] : [{ key, operator: "=", values: [value] }];
  });
  return [...base, ...own];
}

function ruleOf(
  pod: Pod,
  constraint: TopologySpreadConstraint,
  selector: readonly Requirement[] | undefined,
): SpreadRule {
  const { maxSkew, minDomains = 1, topologyKey } = constraint;
  // An empty selector means every pod, and yet upstream counts none for it.
  const counted = selector?.length === 0 ? undefined : selector;
  return {
    maxSkew,
    minDomains,
    topologyKey,
    selector,
    matcher: podsOf(pod.metadata?.namespace ?? "", counted),
    eligibility: (keys) => eligibilityOf(pod, constraint, keys),
  };
}

function eligibilityOf(
  pod: Pod,
  { nodeAffinityPolicy = "Honor", nodeTaintsPolicy = "Ignore" }: TopologySpreadConstraint,
  keys: readonly string[],
): Eligibility {
  const { nodeSelector, affinity, tolerations = [] } = pod.spec ?? {};
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  const byAffinity =
    nodeAffinityPolicy === "Honor" && (nodeSelector !== undefined || required !== undefined);
  const byTaints = nodeTaintsPolicy === "Honor";
  const key = [
    keys.join(","),
    byAffinity ? JSON.stringify([nodeSelector, required]) : "",
    byTaints ? JSON.stringify(tolerations) : "",
  ].join(" ");
  const admits = (node: Node): boolean =>
    keys.every((one) => nodeLabels(node)[one] !== undefined) &&
    (!byAffinity || requiresNode(pod, node)) &&
    (!byTaints || !isUntolerated(node, tolerations));
  return { key, admits };
}
