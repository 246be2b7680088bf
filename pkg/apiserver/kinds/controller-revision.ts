import type { ControllerRevision } from "../../../api/apps/v1.ts";
import { controllerRevisions as ref } from "../../../api/resources.ts";
import { isEqual } from "../../machinery/equality.ts";
import { required } from "../../machinery/field-error.ts";
import type { Resource } from "../resource.ts";
import { ageColumn, nameColumn, orNone, textColumn } from "./columns.ts";
import { checkNotNegative, type Errors, immutable, none } from "./rules.ts";

function checkData(data: unknown): Errors {
  if (data === undefined || data === null) return [required("data", "data is mandatory")];
  const isObject = typeof data === "object" && !Array.isArray(data);
  return isObject ? none : [required("data", "data must be a valid JSON object")];
}

function validate(revision: ControllerRevision, before: ControllerRevision | undefined): Errors {
  const { data } = revision;
  return [
    ...checkData(data),
    ...checkNotNegative("revision", revision.revision),
    ...(before === undefined || isEqual(data, before.data) ? none : [immutable("data", data)]),
  ];
}

/** "daemonset.apps/web": who made the revision. */
function ownerText({ metadata }: ControllerRevision): string {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return "";
  const [group, version] = owner.apiVersion.split("/");
  const kind = owner.kind.toLowerCase();
  return version === undefined ? `${kind}/${owner.name}` : `${kind}.${group}/${owner.name}`;
}

export const controllerRevisions: Resource<ControllerRevision> = {
  ref,
  storagePrefix: "/registry/controllerrevisions",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    textColumn("Controller", (revision) => orNone(ownerText(revision))),
    // Text upstream too, though it is a number.
    textColumn("Revision", ({ revision = 0 }) => revision),
    ageColumn,
  ],
  validate,
};
