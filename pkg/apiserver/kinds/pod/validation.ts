/** A Pod as it is created, and what may change in it afterwards: very little. */
import type { Container, Pod, PodSpec } from "../../../../api/core/v1.ts";
import { isEqual, isSemanticallyEqual } from "../../../machinery/equality.ts";
import { forbidden, invalid, required } from "../../../machinery/field-error.ts";
import { checkNotNegative, eachAt, type Errors, none } from "../rules.ts";
import { changesBetween } from "./spec-changes.ts";
import { validatePodSpec } from "./spec-validation.ts";

const int32Max = 2 ** 31 - 1;
const updatable = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
].join(",");

/** A token is made for a ServiceAccount; without one there is nobody to make it for. */
function validateTokens(spec: PodSpec): Errors {
  if ((spec.serviceAccountName ?? "") !== "") return none;
  const why = "must not be specified when serviceAccountName is not set";
  return eachAt("spec.volumes", spec.volumes, ({ projected }, at) =>
    eachAt(`${at}.projected.sources`, projected?.sources, (source, sourceAt) =>
      source.serviceAccountToken === undefined
        ? none
        : [forbidden(`${sourceAt}.serviceAccountToken`, why)],
    ),
  );
}

const validateAlways = (spec: PodSpec): Errors => [
  ...validatePodSpec(spec, "spec", { isPod: true }),
  ...validateTokens(spec),
  ...checkNotNegative("spec.terminationGracePeriodSeconds", spec.terminationGracePeriodSeconds),
];

function validateCreate(spec: PodSpec): Errors {
  const isGated = (spec.schedulingGates?.length ?? 0) > 0;
  const bound = "cannot be set until all schedulingGates have been cleared";
  return [
    ...validateAlways(spec),
    ...((spec.ephemeralContainers?.length ?? 0) > 0
      ? [forbidden("spec.ephemeralContainers", "cannot be set on create")]
      : none),
    ...((spec.nodeName ?? "") !== "" && isGated ? [forbidden("spec.nodeName", bound)] : none),
  ];
}

/** Undefined: as many containers as before. */
function countErrors(
  now: readonly Container[] | undefined,
  before: readonly Container[] | undefined,
  path: string,
): Errors | undefined {
  if ((now?.length ?? 0) === (before?.length ?? 0)) return undefined;
  return [forbidden(path, "pod updates may not add or remove containers")];
}

function validateDeadline(now: number | undefined, before: number | undefined): Errors {
  const path = "spec.activeDeadlineSeconds";
  if (now === undefined)
    return before === undefined
      ? none
      : [invalid(path, null, "must not update from a positive integer to nil value")];
  if (now < 0 || now > int32Max)
    return [invalid(path, now, `must be between 0 and ${int32Max}, inclusive`)];
  return before !== undefined && before < now
    ? [invalid(path, now, "must be less than or equal to previous value")]
    : none;
}

/** Old tolerations stay as they are, but for how long they tolerate. */
function validateTolerations(now: PodSpec, before: PodSpec): Errors {
  const kept = (now.tolerations ?? []).map(({ tolerationSeconds: _seconds, ...rest }) => rest);
  const isKept = (before.tolerations ?? []).every(({ tolerationSeconds: _seconds, ...rest }) =>
    kept.some((one) => isSemanticallyEqual(one, rest)),
  );
  const why = "existing toleration can not be modified except its tolerationSeconds";
  return isKept ? none : [forbidden("spec.tolerations", why)];
}

function validateGates(now: PodSpec, before: PodSpec): Errors {
  const old = new Set((before.schedulingGates ?? []).map(({ name }) => name));
  return eachAt("spec.schedulingGates", now.schedulingGates, ({ name }, at) => {
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
    return old.has(name) ? none : [forbidden(`${at}.name`, why)];
  });
}

const withImages = (
  containers: readonly Container[] | undefined,
  before: readonly Container[] | undefined,
): readonly Container[] | undefined =>
  containers?.map((container, index) => {
    const image = before?.[index]?.image;
    return image === undefined ? container : { ...container, image };
  });

/** The node selector of a pod that the scheduler does not look at yet may grow. */
function selectorErrors(now: PodSpec, before: PodSpec): Errors {
  const old = before.nodeSelector ?? {};
  const isKept = Object.entries(old).every(([key, value]) => now.nodeSelector?.[key] === value);
  return isKept
    ? none
    : [
        invalid(
          "spec.nodeSelector",
          now.nodeSelector,
          "only additions are allowed (no mutations or deletions)",
        ),
      ];
}

/** The new spec with all that may change put back as it was. */
function withoutAllowed(now: PodSpec, before: PodSpec): PodSpec {
  const isGated = (before.schedulingGates?.length ?? 0) > 0;
  const grace = before.terminationGracePeriodSeconds ?? 0;
  const wasNegative = grace < 0 && now.terminationGracePeriodSeconds === 1;
  const put: Record<string, unknown> = {
    ...now,
    containers: withImages(now.containers, before.containers),
    initContainers: withImages(now.initContainers, before.initContainers),
    activeDeadlineSeconds: before.activeDeadlineSeconds,
    schedulingGates: before.schedulingGates,
    tolerations: before.tolerations,
    ...(wasNegative ? { terminationGracePeriodSeconds: grace } : {}),
    ...(isGated ? { nodeSelector: before.nodeSelector } : {}),
  };
  return put as unknown as PodSpec;
}

function validateUpdate(now: PodSpec, before: PodSpec): Errors {
  // What was valid when it was written does not become wrong by a change of something else.
  if (isEqual(now, before)) return none;
  const counts =
    countErrors(now.containers, before.containers, "spec.containers") ??
    countErrors(now.initContainers, before.initContainers, "spec.initContainers");
  if (counts !== undefined) return [...validateAlways(now), ...counts];
  const isGated = (before.schedulingGates?.length ?? 0) > 0;
  const errors = [
    ...validateAlways(now),
    ...validateDeadline(now.activeDeadlineSeconds, before.activeDeadlineSeconds),
    ...validateTolerations(now, before),
    ...validateGates(now, before),
    ...(isGated ? selectorErrors(now, before) : none),
  ];
  const changes = changesBetween(before, withoutAllowed(now, before), "spec");
  if (changes.length === 0) return errors;
  const why = `pod updates may not change fields other than ${updatable}\n${changes.join("\n")}\n`;
  return [...errors, forbidden("spec", why)];
}

export function validatePod({ spec }: Pod, before: Pod | undefined): Errors {
  if (spec === undefined) return [required("spec.containers")];
  return before === undefined ? validateCreate(spec) : validateUpdate(spec, before.spec ?? spec);
}
