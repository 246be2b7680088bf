import type { PodTemplateSpec } from "../../../api/core/v1.ts";
import type { LabelSelector } from "../../../api/meta/v1.ts";
import { forbidden, invalid, notSupported, required } from "../../machinery/field-error.ts";
import {
  matchesRequirements,
  requirementsOf,
  SelectorError,
} from "../../machinery/label-selector.ts";
import { qualifiedNameComplaints } from "../../machinery/names.ts";
import { over } from "./absent.ts";
import { defaultPodSpec } from "./pod/defaults.ts";
import { validatePodSpec } from "./pod/spec-validation.ts";
import { check, checkLabels, checkSelector, type Errors, none } from "./rules.ts";

export const defaultTemplate = (template: PodTemplateSpec): PodTemplateSpec =>
  over(template, "spec", defaultPodSpec);

function validateTemplate(template: PodTemplateSpec, path: string): Errors {
  const { metadata = {}, spec } = template;
  const { ephemeralContainers = [] } = spec ?? {};
  return [
    ...checkLabels(`${path}.labels`, metadata.labels),
    ...Object.keys(metadata.annotations ?? {}).flatMap((key) =>
      check(`${path}.annotations`, key.toLowerCase(), qualifiedNameComplaints),
    ),
    ...validatePodSpec(spec ?? { containers: [] }, `${path}.spec`, { isPod: false }),
    ...(ephemeralContainers.length === 0
      ? none
      : [
          forbidden(
            `${path}.spec.ephemeralContainers`,
            "ephemeral containers not allowed in pod template",
          ),
        ]),
  ];
}

/** Undefined when the selector cannot be evaluated; what is wrong with it is told apart. */
function matches(selector: LabelSelector, template: PodTemplateSpec): boolean | undefined {
  try {
    return matchesRequirements(requirementsOf(selector), template.metadata?.labels);
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

const isEmpty = ({ matchLabels = {}, matchExpressions = [] }: LabelSelector): boolean =>
  Object.keys(matchLabels).length + matchExpressions.length === 0;

/**
 * The pods that a controller makes must be those that it selects, and run for ever. Upstream checks
 * a Deployment's template as that of its ReplicaSets, and says so.
 */
export function validateSelectedTemplate(
  selector: LabelSelector | undefined,
  template: PodTemplateSpec | undefined,
  kind: "ReplicaSet" | "DaemonSet" = "ReplicaSet",
): Errors {
  const path = "spec.template";
  const found = template ?? {};
  const errors = [...selectorErrors(selector, kind)];
  const isMatch = selector !== undefined && matches(selector, found);
  if (isMatch === undefined && kind === "ReplicaSet")
    return [...errors, invalid("spec.selector", selector, "invalid label selector")];
  if (isMatch === false) {
    const why = "`selector` does not match template `labels`";
    errors.push(invalid(`${path}.metadata.labels`, found.metadata?.labels ?? null, why));
  }
  errors.push(...validateTemplate(found, path));
  const { restartPolicy = "Always", activeDeadlineSeconds } = found.spec ?? {};
  if (restartPolicy !== "Always")
    errors.push(notSupported(`${path}.spec.restartPolicy`, restartPolicy, ["Always"]));
  if (activeDeadlineSeconds !== undefined) {
    const why = `activeDeadlineSeconds in ${kind} is not Supported`;
    errors.push(forbidden(`${path}.spec.activeDeadlineSeconds`, why));
  }
  return errors;
}

function selectorErrors(
  selector: LabelSelector | undefined,
  kind: "ReplicaSet" | "DaemonSet",
): Errors {
  // Upstream holds a DaemonSet's absent selector against the template only.
  if (selector === undefined) return kind === "DaemonSet" ? none : [required("spec.selector")];
  const whose = kind === "DaemonSet" ? "daemonset" : "deployment";
  const why = `empty selector is invalid for ${whose}`;
  return [
    ...checkSelector("spec.selector", selector),
    ...(isEmpty(selector) ? [invalid("spec.selector", selector, why)] : none),
  ];
}
