import type { Node, Taint } from "../../../api/core/v1.ts";
import { nodes as ref } from "../../../api/resources.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { forbidden, invalid } from "../../machinery/field-error.ts";
import { labelValueComplaints, qualifiedNameComplaints } from "../../machinery/names.ts";
import type { Resource } from "../resource.ts";
import { isDualStack, validateCidr } from "./addresses.ts";
import { ageColumn, nameColumn, orNone, textColumn, wide } from "./columns.ts";
import { validateQuantity } from "./quantities.ts";
import { check, checkChoice, eachAt, type Errors, none } from "./rules.ts";

const rolePrefix = "node-role.kubernetes.io/";
const roleLabel = "kubernetes.io/role";
const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

function statusText({ spec, status }: Node): string {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const text = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return spec?.unschedulable === true ? `${text},SchedulingDisabled` : text;
}

function rolesText({ metadata }: Node): string {
  const roles = Object.entries(metadata?.labels ?? {}).map(([key, value]) =>
    key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) : key === roleLabel ? value : "",
  );
  return orNone(
    [...new Set(roles)]
      .filter((role) => role !== "")
      .sort()
      .join(","),
  );
}

const addressText = ({ status }: Node, wanted: string): string =>
  orNone(status?.addresses?.find(({ type }) => type === wanted)?.address);

function kernelText({ status }: Node): string {
  const { kernelVersion = "", architecture = "" } = status?.nodeInfo ?? {};
  const version = orUnknown(kernelVersion);
  return architecture === "" ? version : `${version} (${architecture})`;
}

const orUnknown = (text: string | undefined): string =>
  text === undefined || text === "" ? "<unknown>" : text;

/** Upstream looks for the taints under metadata in its messages, and so do its users. */
const taintsPath = "metadata.taints";

function validateTaints(taints: readonly Taint[]): Errors {
  const seen = new Set<string>();
  return eachAt(taintsPath, taints, (taint, path) => {
    const { key, value = "", effect } = taint;
    const errors = [
      ...check(`${path}.key`, key, qualifiedNameComplaints),
      ...valueProblems(`${path}.value`, value),
      ...checkChoice(`${path}.effect`, effect, taintEffects),
    ];
    const id = `${effect} ${key}`;
    if (!seen.has(id)) {
      seen.add(id);
      return errors;
    }
    const detail = "taints must be unique by key and effect pair";
    return [...errors, { type: "FieldValueDuplicate", path, value: taint, detail }];
  });
}

function valueProblems(path: string, value: string): Errors {
  const complaints = labelValueComplaints(value);
  return complaints.length === 0 ? none : [invalid(path, value, complaints.join(";"))];
}

function validatePodCidrs({ spec }: Node): Errors {
  const cidrs = spec?.podCIDRs ?? [];
  const path = "spec.podCIDRs";
  const errors = eachAt(path, cidrs, (cidr, at) => validateCidr(at, cidr));
  const families = cidrs.map((cidr) => cidr.split("/")[0] ?? "");
  if (cidrs.length < 2 || isDualStack(families)) return errors;
  const why = "may specify no more than one CIDR for each IP family";
  return [...errors, invalid(path, cidrs, why)];
}

function validateResources({ status }: Node): Errors {
  return (["capacity", "allocatable"] as const).flatMap((field) =>
    Object.entries(status?.[field] ?? {}).flatMap(([name, quantity]) =>
      validateQuantity(`status.${field}.${name}`, name, quantity),
    ),
  );
}

function validateChange(node: Node, before: Node): Errors {
  const old = before.spec ?? {};
  const now = node.spec ?? {};
  const errors = [];
  if ((old.podCIDRs?.length ?? 0) > 0 && !isSemanticallyEqual(old.podCIDRs, now.podCIDRs)) {
    const why = 'node updates may not change podCIDR except from "" to valid';
    errors.push(forbidden("spec.podCIDRs", why));
  }
  const [was, is] = [old.providerID ?? "", now.providerID ?? ""];
  if (was !== "" && is !== was) {
    const verb = is === "" ? "cleared" : "modified";
    errors.push(invalid("spec.providerID", null, `field cannot be ${verb} once set`));
  }
  return errors;
}

/** podCIDR is the first of podCIDRs, whichever of the two was given. */
function synced(node: Node): Node {
  const { podCIDR = "", podCIDRs = [] } = node.spec ?? {};
  if (podCIDR !== "" && podCIDRs.length === 0)
    return { ...node, spec: { ...node.spec, podCIDRs: [podCIDR] } };
  const first = podCIDRs[0];
  if (podCIDR === "" && first !== undefined)
    return { ...node, spec: { ...node.spec, podCIDR: first } };
  return node;
}

function defaultAllocatable(node: Node): Node {
  const { status } = node;
  if (status?.capacity === undefined || status.allocatable !== undefined) return node;
  return { ...node, status: { ...status, allocatable: status.capacity } };
}

export const nodes: Resource<Node> = {
  ref,
  storagePrefix: "/registry/minions",
  nameRule: "dns-subdomain",
  columns: [
    nameColumn,
    textColumn("Status", statusText),
    textColumn("Roles", rolesText),
    ageColumn,
    textColumn("Version", ({ status }) => status?.nodeInfo?.kubeletVersion ?? ""),
    wide(textColumn("Internal-IP", (node) => addressText(node, "InternalIP"))),
    wide(textColumn("External-IP", (node) => addressText(node, "ExternalIP"))),
    wide(textColumn("OS-Image", ({ status }) => orUnknown(status?.nodeInfo?.osImage))),
    wide(textColumn("Kernel-Version", kernelText)),
    wide(
      textColumn("Container-Runtime", ({ status }) =>
        orUnknown(status?.nodeInfo?.containerRuntimeVersion),
      ),
    ),
  ],
  fieldLabels: { "spec.unschedulable": ({ spec }) => String(spec?.unschedulable ?? false) },
  defaults: (node) => defaultAllocatable(synced(node)),
  validate: (node, before) => [
    ...validateTaints(node.spec?.taints ?? []),
    ...validateResources(node),
    ...validatePodCidrs(node),
    ...(before === undefined ? none : validateChange(node, before)),
  ],
  status: { validate: validateResources },
};
