/**
 * matchLabelKeys and mismatchLabelKeys: the values that a new pod has under them are written into
 * the selectors beside them, once and for all (KEP-3633, KEP-3243). Pure.
 */
import type {
  Affinity,
  PodAffinity,
  PodAffinityTerm,
  PodSpec,
  TopologySpreadConstraint,
} from "../../../../api/core/v1.ts";
import type { LabelSelector } from "../../../../api/meta/v1.ts";

type Labels = Readonly<Record<string, string>>;

const expressions = (keys: readonly string[], operator: "In" | "NotIn", labels: Labels) =>
  keys.flatMap((key) => {
    const value = labels[key];
    return value === undefined ? [] : [{ key, operator, values: [value] }];
  });

function extended(
  selector: LabelSelector | undefined,
  added: ReturnType<typeof expressions>,
): { readonly labelSelector: LabelSelector } | undefined {
  // A selector that is absent selects nothing: there is nothing to narrow.
  if (selector === undefined || added.length === 0) return undefined;
  const matchExpressions = [...(selector.matchExpressions ?? []), ...added];
  return { labelSelector: { ...selector, matchExpressions } };
}

const withTerm = (term: PodAffinityTerm, labels: Labels): PodAffinityTerm => ({
  ...term,
  ...extended(term.labelSelector, [
    ...expressions(term.matchLabelKeys ?? [], "In", labels),
    ...expressions(term.mismatchLabelKeys ?? [], "NotIn", labels),
  ]),
});

function withTerms(affinity: PodAffinity, labels: Labels): PodAffinity {
  const needed = affinity.requiredDuringSchedulingIgnoredDuringExecution;
  const preferred = affinity.preferredDuringSchedulingIgnoredDuringExecution;
  return {
    ...affinity,
    ...(needed === undefined
      ? {}
      : {
          requiredDuringSchedulingIgnoredDuringExecution: needed.map((term) =>
            withTerm(term, labels),
          ),
        }),
    ...(preferred === undefined
      ? {}
      : {
          preferredDuringSchedulingIgnoredDuringExecution: preferred.map((one) => ({
            ...one,
            podAffinityTerm: withTerm(one.podAffinityTerm, labels),
          })),
        }),
  };
}

const withAffinity = (affinity: Affinity, labels: Labels): Affinity => ({
  ...affinity,
  ...(affinity.podAffinity === undefined
    ? {}
    : { podAffinity: withTerms(affinity.podAffinity, labels) }),
  ...(affinity.podAntiAffinity === undefined
    ? {}
    : { podAntiAffinity: withTerms(affinity.podAntiAffinity, labels) }),
});

const withConstraint = (
  constraint: TopologySpreadConstraint,
  labels: Labels,
): TopologySpreadConstraint => ({
  ...constraint,
  ...extended(constraint.labelSelector, expressions(constraint.matchLabelKeys ?? [], "In", labels)),
});

export function withLabelKeys(spec: PodSpec, labels: Labels = {}): PodSpec {
  const { affinity, topologySpreadConstraints } = spec;
  const { podAffinity, podAntiAffinity } = affinity ?? {};
  const isPlain =
    podAffinity === undefined &&
    podAntiAffinity === undefined &&
    topologySpreadConstraints === undefined;
  if (isPlain) return spec;
  return {
    ...spec,
    ...(affinity === undefined ? {} : { affinity: withAffinity(affinity, labels) }),
    ...(topologySpreadConstraints === undefined
      ? {}
      : {
          topologySpreadConstraints: topologySpreadConstraints.map((one) =>
            withConstraint(one, labels),
          ),
        }),
  };
}
