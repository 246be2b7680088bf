import type { Pod } from "../../../../api/core/v1.ts";
import { isSemanticallyEqual } from "../../../machinery/equality.ts";
import { forbidden } from "../../../machinery/field-error.ts";
import type { Errors } from "../rules.ts";
import { validatePodSpec } from "./spec-validation.ts";

const mirrorAnnotation = "kubernetes.io/config.mirror";

/** A write of /ephemeralcontainers adds some, and never changes or removes one that is there. */
export function validateEphemeralUpdate(pod: Pod, before: Pod): Errors {
  const path = "spec.ephemeralContainers";
  const spec = pod.spec ?? { containers: [] };
  const errors = [...validatePodSpec(spec, "spec", { isPod: true })];
  if (pod.metadata?.annotations?.[mirrorAnnotation] !== undefined)
    errors.push(forbidden("", "static pods do not support ephemeral containers"));
  for (const old of before.spec?.ephemeralContainers ?? []) {
    const now = spec.ephemeralContainers?.find(({ name }) => name === old.name);
    const name = JSON.stringify(old.name);
    if (now === undefined)
      errors.push(forbidden(path, `existing ephemeral containers ${name} may not be removed\n`));
    else if (!isSemanticallyEqual(now, old))
      errors.push(forbidden(path, `existing ephemeral containers ${name} may not be changed\n`));
  }
  return errors;
}
