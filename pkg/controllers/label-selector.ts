import type { LabelSelector } from "../../api/meta/v1.ts";
import { matchesSelector, type Labels } from "../machinery/label-selector.ts";

/**
 * Whether labels satisfy a controller's selector. An empty one selects nothing here: a controller
 * that selected everything would adopt what belongs to others.
 */
export const selects = (selector: LabelSelector | undefined, labels: Labels | undefined): boolean =>
  (Object.keys(selector?.matchLabels ?? {}).length > 0 ||
    (selector?.matchExpressions ?? []).length > 0) &&
  matchesSelector(selector, labels);

/** Whether labels have all these values; an empty set is had by all. */
export const hasLabels = (labels: Labels | undefined, wanted: Labels | undefined): boolean =>
  Object.entries(wanted ?? {}).every(([key, value]) => labels?.[key] === value);
