/** What is wrong with the metadata of an object, for every kind alike, in upstream's words. */
import type { ObjectMeta, OwnerReference } from "../../api/meta/v1.ts";
import { isEqual } from "./equality.ts";
import { forbidden, invalid, required, type FieldError } from "./field-error.ts";
import {
  dnsLabelComplaints,
  labelValueComplaints,
  nameComplaints,
  qualifiedNameComplaints,
  type NameRule,
} from "./names.ts";
import { splitApiVersion } from "./schema-key.ts";

/** All keys and values together. */
const annotationsBytesMax = 256 * 1024;

export interface MetadataRule {
  readonly namespaced: boolean;
  readonly nameRule: NameRule;
}

const each = (path: string, value: unknown, complaints: readonly string[]): readonly FieldError[] =>
  complaints.map((detail) => invalid(path, value, detail));

/** Labels of an object, of a template or of a selector's matchLabels. */
export const validateLabels = (
  labels: Readonly<Record<string, string>> | undefined,
  path: string,
): readonly FieldError[] =>
  Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...each(path, key, qualifiedNameComplaints(key)),
    ...each(path, value, labelValueComplaints(value)),
  ]);

export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): readonly FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const bytes = entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  return [
    ...entries.flatMap(([key]) => each(path, key, qualifiedNameComplaints(key.toLowerCase()))),
    ...(bytes <= annotationsBytesMax
      ? []
      : [
          {
            type: "FieldValueTooLong" as const,
            path,
            detail: `may not be more than ${annotationsBytesMax} bytes`,
          },
        ]),
  ];
}

function validateOwner(owner: OwnerReference, path: string): readonly FieldError[] {
  const [group, version] = splitApiVersion(owner.apiVersion);
  const must = (name: "kind" | "name" | "uid"): readonly FieldError[] =>
    owner[name] ? [] : [required(`${path}.${name}`, "must not be empty")];
  return [
    ...(owner.apiVersion ? [] : [required(`${path}.apiVersion`, "must not be empty")]),
    ...must("kind"),
    ...must("name"),
    ...must("uid"),
    ...(group === "" && version === "v1" && owner.kind === "Event"
      ? [invalid(path, owner, "/v1, Kind=Event is disallowed from being an owner")]
      : []),
  ];
}

function validateOwners(
  owners: readonly OwnerReference[] | undefined,
  path: string,
): readonly FieldError[] {
  const controllers = (owners ?? [])
    .filter(({ controller }) => controller === true)
    .map(({ kind, name }) => `${kind}/${name}`);
  const twice = controllers
    .slice(1)
    .map((one) =>
      invalid(
        path,
        owners,
        "Only one reference can have Controller set to true. " +
          `Found "true" in references for ${controllers[0]} and ${one}`,
      ),
    );
  return [
    ...(owners ?? []).flatMap((owner, index) => validateOwner(owner, `${path}[${index}]`)),
    ...twice,
  ];
}

const standardFinalizers: ReadonlySet<string> = new Set([
  "kubernetes",
  "orphan",
  "foregroundDeletion",
]);
const unqualifiedFinalizer = "name is neither a standard finalizer name nor is it fully qualified";
const conflicting = ["orphan", "foregroundDeletion"];

function validateFinalizers(
  finalizers: readonly string[] | undefined,
  path: string,
): readonly FieldError[] {
  const all = finalizers ?? [];
  const wrong = [
    ...all.flatMap((one) => each(path, one, qualifiedNameComplaints(one))),
    ...all.flatMap((one, index) =>
      one.includes("/") || standardFinalizers.has(one)
        ? []
        : [invalid(`${path}[${index}]`, one, unqualifiedFinalizer)],
    ),
  ];
  if (!conflicting.every((one) => all.includes(one))) return wrong;
  const detail = `finalizer ${conflicting.join(" and ")} cannot be both set`;
  return [...wrong, invalid(path, all, detail)];
}

function validateNamespace(
  namespace: string | undefined,
  namespaced: boolean,
  path: string,
): readonly FieldError[] {
  if (!namespaced) return namespace ? [forbidden(path, "not allowed on this type")] : [];
  return namespace ? each(path, namespace, dnsLabelComplaints(namespace)) : [required(path)];
}

/** What create and update check alike. */
function validateMaps(metadata: ObjectMeta, path: string): readonly FieldError[] {
  return [
    ...validateLabels(metadata.labels, `${path}.labels`),
    ...validateAnnotations(metadata.annotations, `${path}.annotations`),
    ...validateOwners(metadata.ownerReferences, `${path}.ownerReferences`),
    ...validateFinalizers(metadata.finalizers, `${path}.finalizers`),
  ];
}

export function validateObjectMeta(
  metadata: ObjectMeta,
  { namespaced, nameRule }: MetadataRule,
  path = "metadata",
): readonly FieldError[] {
  const { name, generateName, namespace } = metadata;
  return [
    ...(generateName
      ? each(`${path}.generateName`, generateName, nameComplaints(nameRule, generateName, true))
      : []),
    ...(name
      ? each(`${path}.name`, name, nameComplaints(nameRule, name))
      : [required(`${path}.name`, "name or generateName is required")]),
    ...validateNamespace(namespace, namespaced, `${path}.namespace`),
    ...validateMaps(metadata, path),
  ];
}

const immutable = [
  "name",
  "namespace",
  "uid",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

/** The server has set what clients leave out before it asks. */
export function validateObjectMetaUpdate(
  metadata: ObjectMeta,
  before: ObjectMeta,
  path = "metadata",
): readonly FieldError[] {
  const added = (metadata.finalizers ?? []).filter((one) => !before.finalizers?.includes(one));
  const isDeleting = before.deletionTimestamp !== undefined;
  return [
    ...(isDeleting && added.length > 0
      ? [
          forbidden(
            `${path}.finalizers`,
            "no new finalizers can be added if the object is being deleted, " +
              `found new finalizers []string{${added.map((one) => JSON.stringify(one)).join(", ")}}`,
          ),
        ]
      : []),
    ...(metadata.resourceVersion
      ? []
      : [invalid(`${path}.resourceVersion`, "", "must be specified for an update")]),
    ...((metadata.generation ?? 0) < (before.generation ?? 0)
      ? [invalid(`${path}.generation`, metadata.generation, "must not be decremented")]
      : []),
    ...immutable
      .filter((field) => !isEqual(metadata[field], before[field]))
      .map((field) => invalid(`${path}.${field}`, metadata[field], "field is immutable")),
    ...validateMaps(metadata, path),
  ];
}
