import { priorityClasses as ref } from "../../../api/resources.ts";
import type { PriorityClass } from "../../../api/scheduling/v1.ts";
import { type FieldError, forbidden, notSupported } from "../../machinery/field-error.ts";
import type { Resource } from "../resource.ts";
import { ageColumn, nameColumn, textColumn, wide } from "./columns.ts";
import { immutable } from "./rules.ts";

const systemPrefix = "system-";
const userValueMax = 1_000_000_000;
const policies = ["PreemptLowerPriority", "Never"];

/** The classes that every cluster has; nobody else may use their prefix. */
export const systemPriorityClasses: readonly PriorityClass[] = [
  {
    metadata: { name: "system-node-critical" },
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
  },
  {
    metadata: { name: "system-cluster-critical" },
    value: 2_000_000_000,
    description:
      "Used for system critical pods that must run in the cluster, but can be moved to another " +
      "node if necessary.",
  },
];

/** Why a class with the system's prefix is none of the system's; undefined: it is. */
function notOfSystem(name: string, { value = 0, globalDefault }: PriorityClass) {
  const known = systemPriorityClasses.find(({ metadata }) => metadata?.name === name);
  if (known === undefined) return `${name} is not a known system priority class`;
  if (known.value !== value) return `value of ${name} PriorityClass must be ${known.value}`;
  if (globalDefault === true) return `globalDefault of ${name} PriorityClass must be false`;
  return undefined;
}

function validateNew(object: PriorityClass): readonly FieldError[] {
  const { metadata, value = 0, preemptionPolicy } = object;
  const name = metadata?.name ?? "";
  const errors: FieldError[] = [];
  if (name.startsWith(systemPrefix)) {
    const why = notOfSystem(name, object);
    const reserved = "priority class names with 'system-' prefix are reserved for system use only";
    if (why !== undefined) errors.push(forbidden("metadata.name", `${reserved}. error: ${why}`));
  } else if (value > userValueMax) {
    const why = `maximum allowed value of a user defined priority is ${userValueMax}`;
    errors.push(forbidden("value", why));
  }
  // In upstream's order, which is not the alphabet's here.
  if (preemptionPolicy !== undefined && !policies.includes(preemptionPolicy))
    errors.push(notSupported("preemptionPolicy", preemptionPolicy, policies));
  return errors;
}

function validateChange(object: PriorityClass, before: PriorityClass): readonly FieldError[] {
  const errors: FieldError[] = [];
  if ((object.value ?? 0) !== (before.value ?? 0))
    errors.push(forbidden("value", "may not be changed in an update."));
  if (object.preemptionPolicy !== before.preemptionPolicy)
    errors.push(immutable("preemptionPolicy", object.preemptionPolicy));
  return errors;
}

/** Whose pods come first, and may have others make room (KEP-268). */
export const priorityClasses: Resource<PriorityClass> = {
  ref,
  storagePrefix: "/registry/priorityclasses",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    { name: "Value", type: "integer", priority: 0, cell: ({ value = 0 }) => value },
    {
      name: "Global-Default",
      type: "boolean",
      priority: 0,
      cell: ({ globalDefault = false }) => globalDefault,
    },
    ageColumn,
    wide(textColumn("PreemptionPolicy", ({ preemptionPolicy = "" }) => preemptionPolicy)),
  ],
  // A class of priority 0 says so: the field is not left out.
  defaults: (object) =>
    object.value !== undefined && object.preemptionPolicy !== undefined
      ? object
      : {
          ...object,
          value: object.value ?? 0,
          preemptionPolicy: object.preemptionPolicy ?? "PreemptLowerPriority",
        },
  prepareForCreate: (object) => ({ ...object, metadata: { ...object.metadata, generation: 1 } }),
  validate: (object, before) =>
    before === undefined ? validateNew(object) : validateChange(object, before),
};
