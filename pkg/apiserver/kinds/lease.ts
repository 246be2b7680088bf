import type { Lease, LeaseSpec } from "../../../api/coordination/v1.ts";
import { leases as ref } from "../../../api/resources.ts";
import { type FieldError, forbidden, invalid } from "../../machinery/field-error.ts";
import type { Resource } from "../resource.ts";
import { ageColumn, nameColumn, textColumn } from "./columns.ts";

function validateSpec(spec: LeaseSpec): readonly FieldError[] {
  const { leaseDurationSeconds, leaseTransitions, preferredHolder = "", strategy = "" } = spec;
  const errors: FieldError[] = [];
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0)
    errors.push(
      invalid("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0"),
    );
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    const why = "must be greater than or equal to 0";
    errors.push(invalid("spec.leaseTransitions", leaseTransitions, why));
  }
  if (preferredHolder !== "" && strategy === "")
    errors.push(
      forbidden("spec.preferredHolder", "may only be specified if `strategy` is defined"),
    );
  return errors;
}

export const leases: Resource<Lease> = {
  ref,
  storagePrefix: "/registry/leases",
  nameRule: "dns-subdomain",
  columns: [nameColumn, textColumn("Holder", ({ spec }) => spec?.holderIdentity ?? ""), ageColumn],
  validate: ({ spec }) => validateSpec(spec ?? {}),
  createsOnUpdate: true,
  needsVersionOnUpdate: true,
};
