/** Which pods a selector means: of which namespaces, with which labels. Compared by `key`. */
import type { PodAffinityTerm } from "../../api/core/v1.ts";
import type { LabelSelector } from "../../api/meta/v1.ts";
import {
  formatRequirements,
  matchesRequirements,
  requirementsOf,
  SelectorError,
  type Labels,
  type Requirement,
} from "../machinery/label-selector.ts";

/** One selector; undefined requirements match no pod, an empty list every one. */
interface Scope {
  readonly namespaces: ReadonlySet<string>;
  /** Beside those named: namespaces by their labels; undefined: none. */
  readonly namespaceSelector: readonly Requirement[] | undefined;
  readonly requirements: readonly Requirement[] | undefined;
}

export interface PodMatcher {
  /** Matchers with one key mean the same pods. */
  readonly key: string;
  /** A pod must match all of them, and at least one is there. */
  readonly scopes: readonly Scope[];
  /** False: pods that are being deleted do not count. */
  readonly countsTerminating: boolean;
  readonly readsNamespaceLabels: boolean;
}

/** What a matcher reads of a pod. */
export interface MatchedPod {
  readonly namespace: string;
  readonly labels: Labels;
  readonly isTerminating: boolean;
}

export type NamespaceLabels = (namespace: string) => Labels;

/** A selector that the API server would refuse matches nothing. */
export function requirementsOrNone(
  selector: LabelSelector | undefined,
): readonly Requirement[] | undefined {
  if (selector === undefined) return undefined;
  try {
    return requirementsOf(selector);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

const text = (requirements: readonly Requirement[] | undefined): string =>
  requirements === undefined ? "-" : `[${formatRequirements(requirements)}]`;

const keyOf = ({ namespaces, namespaceSelector, requirements }: Scope): string =>
  `${[...namespaces].toSorted().join(",")} ${text(namespaceSelector)} ${text(requirements)}`;

function matcherOf(scopes: readonly Scope[], countsTerminating: boolean): PodMatcher {
  const key = `${countsTerminating ? "" : "living "}${scopes.map(keyOf).join(" & ")}`;
  const readsNamespaceLabels = scopes.some(
    ({ namespaceSelector }) => (namespaceSelector?.length ?? 0) > 0,
  );
  return { key, scopes, countsTerminating, readsNamespaceLabels };
}

/** Pods of one namespace that are not being deleted: what spreading counts. */
export const podsOf = (
  namespace: string,
  requirements: readonly Requirement[] | undefined,
): PodMatcher =>
  matcherOf(
    [{ namespaces: new Set([namespace]), namespaceSelector: undefined, requirements }],
    false,
  );

/**
 * Pods that match all these terms of a pod of `namespace`. A term that names neither namespaces
 * nor a selector of them means the pod's own; an empty selector means all.
 */
export const matchingTerms = (terms: readonly PodAffinityTerm[], namespace: string): PodMatcher =>
  matcherOf(
    terms.map(({ labelSelector, namespaceSelector, namespaces = [] }) => ({
      namespaces: new Set(
        namespaces.length === 0 && namespaceSelector === undefined ? [namespace] : namespaces,
      ),
      namespaceSelector: requirementsOrNone(namespaceSelector),
      requirements: requirementsOrNone(labelSelector),
    })),
    true,
  );

export function matchesPod(
  { scopes, countsTerminating }: PodMatcher,
  pod: MatchedPod,
  namespaceLabels: NamespaceLabels,
): boolean {
  if (pod.isTerminating && !countsTerminating) return false;
  for (const { namespaces, namespaceSelector, requirements } of scopes) {
    if (requirements === undefined) return false;
    const within =
      namespaces.has(pod.namespace) ||
      (namespaceSelector !== undefined &&
        matchesRequirements(namespaceSelector, namespaceLabels(pod.namespace)));
    if (!within || !matchesRequirements(requirements, pod.labels)) return false;
  }
  return true;
}
