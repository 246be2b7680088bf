import type { LabelSelector, LabelSelectorRequirement } from "../../api/meta/v1.ts";

type Labels = Readonly<Record<string, string>>;

/**
 * Whether labels satisfy a selector of a spec. An absent or empty one selects nothing here: a
 * controller that selected everything would adopt what belongs to others.
 */
export function selects(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  const wanted = Object.entries(selector?.matchLabels ?? {});
  const requirements = selector?.matchExpressions ?? [];
  if (wanted.length === 0 && requirements.length === 0) return false;
  const present = labels ?? {};
  return (
    wanted.every(([key, value]) => present[key] === value) &&
    requirements.every((requirement) => meets(requirement, present))
  );
}

/** Whether labels have all these values; an empty set is had by all. */
export const hasLabels = (labels: Labels | undefined, wanted: Labels | undefined): boolean =>
  Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);

function meets({ key, operator, values = [] }: LabelSelectorRequirement, labels: Labels): boolean {
  const value = labels[key];
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false; // the server refuses others; one that came anyway selects nothing
  }
}
