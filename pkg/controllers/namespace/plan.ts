/** What a namespace that is being deleted still holds, as conditions of its status. Pure. */
import type { Namespace, NamespaceCondition, NamespaceStatus } from "../../../api/core/v1.ts";
import { rfc3339 } from "../../base/clock.ts";

/** What happened to the content of one kind. */
export interface Swept {
  /** "pods", "deployments.apps" */
  readonly resource: string;
  /** Objects that are still there. */
  readonly remaining: number;
  /** Finalizers that hold objects, and how many objects each. */
  readonly finalizers: Readonly<Record<string, number>>;
  readonly failure?: string;
}

export interface Sweep {
  readonly swept: readonly Swept[];
  /** Why some kinds could not be found out. */
  readonly discoveryFailure?: string;
}

/** True when nothing is left, and nothing may have been overlooked. */
export const isEmpty = ({ swept, discoveryFailure }: Sweep): boolean =>
  discoveryFailure === undefined &&
  swept.every(({ remaining, failure }) => remaining === 0 && failure === undefined);

/** The status that tells what the deletion waits for; unchanged conditions keep their times. */
export function terminatingStatus(
  namespace: Namespace,
  { swept, discoveryFailure }: Sweep,
  nowMs: number,
): NamespaceStatus {
  const failures = swept.flatMap(({ resource, failure }) =>
    failure === undefined ? [] : [`${resource}: ${failure}`],
  );
  const remaining = swept
    .filter((one) => one.remaining > 0)
    .map(({ resource, remaining: count }) => `${resource} has ${count} resource instances`);
  const finalizers = new Map<string, number>();
  for (const one of swept)
    for (const [name, count] of Object.entries(one.finalizers))
      finalizers.set(name, (finalizers.get(name) ?? 0) + count);
  const held = [...finalizers]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${name} in ${count} resource instances`);
  const conditions = [
    finding(
      "NamespaceDeletionDiscoveryFailure",
      discoveryFailure === undefined ? [] : [discoveryFailure],
      ["DiscoveryFailed", "Discovery failed for some groups: "],
      ["ResourcesDiscovered", "All resources successfully discovered"],
    ),
    finding(
      "NamespaceDeletionGroupVersionParsingFailure",
      [],
      ["GroupVersionParsingFailed", ""],
      ["ParsedGroupVersions", "All legacy kube types successfully parsed"],
    ),
    finding(
      "NamespaceDeletionContentFailure",
      failures,
      ["ContentDeletionFailed", "Failed to delete all resource types: "],
      ["ContentDeleted", "All content successfully deleted, may be waiting on finalization"],
    ),
    finding(
      "NamespaceContentRemaining",
      remaining,
      ["SomeResourcesRemain", "Some resources are remaining: "],
      ["ContentRemoved", "All content successfully removed"],
    ),
    finding(
      "NamespaceFinalizersRemaining",
      held,
      ["SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: "],
      ["ContentHasNoFinalizers", "All content-preserving finalizers finished"],
    ),
  ];
  return {
    ...namespace.status,
    phase: "Terminating",
    conditions: merged(namespace.status?.conditions ?? [], conditions, nowMs),
  };
}

type Wording = readonly [reason: string, message: string];

const finding = (
  type: string,
  findings: readonly string[],
  [badReason, badMessage]: Wording,
  [goodReason, goodMessage]: Wording,
): NamespaceCondition =>
  findings.length > 0
    ? { type, status: "True", reason: badReason, message: badMessage + findings.join(", ") }
    : { type, status: "False", reason: goodReason, message: goodMessage };

function merged(
  before: readonly NamespaceCondition[],
  wanted: readonly NamespaceCondition[],
  nowMs: number,
): readonly NamespaceCondition[] {
  const types = new Set(wanted.map(({ type }) => type));
  const others = before.filter(({ type }) => !types.has(type));
  const updated = wanted.map((condition) => {
    const known = before.find(({ type }) => type === condition.type);
    const { status, message } = condition;
    if (known?.status === status && known.message === message) return known;
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : rfc3339(nowMs);
    return { ...condition, lastTransitionTime: lastTransitionTime ?? rfc3339(nowMs) };
  });
  return [...others, ...updated];
}
