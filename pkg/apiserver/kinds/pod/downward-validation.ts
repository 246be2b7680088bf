/** References to fields of the pod and to resources of its containers: the downward API. */
import type { ObjectFieldSelector, ResourceFieldSelector } from "../../../../api/core/v1.ts";
import { invalid, notSupported, required } from "../../../machinery/field-error.ts";
import { qualifiedNameComplaints } from "../../../machinery/names.ts";
import { canonicalQuantity } from "../../../machinery/quantity.ts";
import { check, type Errors, none } from "../rules.ts";

export const environmentFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
] as const;

export const volumeFields = [
  "metadata.annotations",
  "metadata.labels",
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
] as const;

const convertible: ReadonlySet<string> = new Set([
  ...environmentFields,
  ...volumeFields,
  "spec.restartPolicy",
  "spec.schedulerName",
  "status.phase",
]);

export function validateFieldRef(
  { apiVersion = "", fieldPath }: ObjectFieldSelector,
  path: string,
  allowed: readonly string[],
): Errors {
  if (apiVersion === "") return [required(`${path}.apiVersion`)];
  const at = `${path}.fieldPath`;
  if (fieldPath === "") return [required(at)];
  const fail = (why: string): Errors => [
    invalid(at, fieldPath, `error converting fieldPath: ${why}`),
  ];
  if (apiVersion !== "v1") return fail(`unsupported pod version: ${apiVersion}`);
  const [, field = "", key = ""] = /^(.*)\['(.*)'\]$/.exec(fieldPath) ?? [];
  if (field === "") {
    if (!convertible.has(fieldPath)) return fail(`field label not supported: ${fieldPath}`);
    return allowed.includes(fieldPath) ? none : [notSupported(at, fieldPath, allowed)];
  }
  if (field === "metadata.annotations")
    return check(path, key.toLowerCase(), qualifiedNameComplaints);
  if (field === "metadata.labels") return check(path, key, qualifiedNameComplaints);
  return fail(`field label does not support subscript: ${fieldPath}`);
}

const resources = ["limits", "requests"].flatMap((of) =>
  ["cpu", "ephemeral-storage", "memory"].map((name) => `${of}.${name}`),
);
const scales = ["1", "1k", "1M", "1G", "1T", "1P", "1E"].concat([
  "1Ki",
  "1Mi",
  "1Gi",
  "1Ti",
  "1Pi",
  "1Ei",
]);

function validateDivisor(resource: string, divisor: string, path: string): Errors {
  if (divisor === "" || divisor === "0") return none;
  const isCpu = resource.endsWith(".cpu");
  const allowed = isCpu ? ["1m", "1"] : scales;
  if (allowed.includes(canonicalQuantity(divisor))) return none;
  const what = resource.endsWith(".memory")
    ? "memory"
    : resource.endsWith(".ephemeral-storage")
      ? "local ephemeral storage"
      : "hugepages";
  const why = isCpu
    ? "only divisor's values 1m and 1 are supported with the cpu resource"
    : `only divisor's values ${scales.join(", ")} are supported with the ${what} resource`;
  return [invalid(`${path}.divisor`, resource, why)];
}

export function validateResourceRef(
  { resource, containerName = "", divisor = "" }: ResourceFieldSelector,
  path: string,
  needsContainer: boolean,
): Errors {
  if (needsContainer && containerName === "") return [required(`${path}.containerName`)];
  if (resource === "") return [required(`${path}.resource`)];
  const isHuge = /^(limits|requests)\.hugepages-/.test(resource);
  return [
    ...(resources.includes(resource) || isHuge
      ? none
      : [notSupported(`${path}.resource`, resource, resources)]),
    ...validateDivisor(resource, divisor, path),
  ];
}
