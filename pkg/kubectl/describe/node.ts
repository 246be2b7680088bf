import type { Node, Pod } from "../../../api/core/v1.ts";
import type { Lease } from "../../../api/coordination/v1.ts";
import {
  addQuantities,
  compareQuantities,
  quantityMilliValue,
  quantityValue,
} from "../../machinery/quantity.ts";
import { timeText } from "../print/time-text.ts";
import { writeAnnotations, writePairs } from "./describe-metadata.ts";
import type { TabLines } from "./tab-lines.ts";

type Amounts = Readonly<Record<string, string>>;
type Which = "requests" | "limits";

const rolePrefix = "node-role.kubernetes.io/";

function rolesText(labels: Amounts | undefined): string {
  const roles = Object.entries(labels ?? {}).flatMap(([key, value]) =>
    key.startsWith(rolePrefix)
      ? [key.slice(rolePrefix.length)]
      : key === "kubernetes.io/role" && value !== ""
        ? [value]
        : [],
  );
  return roles.toSorted().join(",") || "<none>";
}

function writeIdentity(out: TabLines, { metadata, spec }: Node): void {
  out.line(0, `Name:\t${metadata?.name ?? ""}`);
  out.line(0, `Roles:\t${rolesText(metadata?.labels)}`);
  writePairs(out, 0, "Labels", metadata?.labels);
  writeAnnotations(out, 0, metadata?.annotations);
  out.line(0, `CreationTimestamp:\t${timeText(metadata?.creationTimestamp)}`);
  const taints = (spec?.taints ?? [])
    .map(({ key, value = "", effect }) => `${key}${value === "" ? "" : `=${value}`}:${effect}`)
    .toSorted();
  out.line(0, `Taints:\t${taints[0] ?? "<none>"}`);
  for (const taint of taints.slice(1)) out.line(0, `\t${taint}`);
  out.line(0, `Unschedulable:\t${spec?.unschedulable === true}`);
}

function writeLease(out: TabLines, lease: Lease | undefined): void {
  if (lease === undefined) return;
  const { holderIdentity, acquireTime, renewTime } = lease.spec ?? {};
  out.line(0, "Lease:");
  out.line(1, `HolderIdentity:\t${holderIdentity ?? "<unset>"}`);
  out.line(1, `AcquireTime:\t${timeText(acquireTime)}`);
  out.line(1, `RenewTime:\t${timeText(renewTime)}`);
}

function writeConditions(out: TabLines, { status }: Node): void {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return;
  const header = "Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage";
  out.line(0, "Conditions:");
  out.line(1, header);
  out.line(1, header.replaceAll(/[A-Za-z]/g, "-"));
  for (const { type, status: value, reason = "", message = "", ...times } of conditions) {
    const heard = timeText(times.lastHeartbeatTime);
    const changed = timeText(times.lastTransitionTime);
    out.line(1, `${type} \t${value} \t${heard} \t${changed} \t${reason} \t${message}`);
  }
}

function writeAmounts(out: TabLines, title: string, amounts: Amounts | undefined): void {
  const entries = Object.entries(amounts ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length === 0) return;
  out.line(0, `${title}:`);
  for (const [name, amount] of entries) out.line(1, `${name}:\t${amount}`);
}

function writeMachine(out: TabLines, { status, spec }: Node): void {
  out.line(0, "Addresses:");
  for (const { type, address } of status?.addresses ?? []) out.line(1, `${type}:\t${address}`);
  writeAmounts(out, "Capacity", status?.capacity);
  writeAmounts(out, "Allocatable", status?.allocatable);
  const info = status?.nodeInfo;
  out.line(0, "System Info:");
  for (const [title, value] of [
    ["Machine ID", info?.machineID],
    ["System UUID", info?.systemUUID],
    ["Boot ID", info?.bootID],
    ["Kernel Version", info?.kernelVersion],
    ["OS Image", info?.osImage],
    ["Operating System", info?.operatingSystem],
    ["Architecture", info?.architecture],
    ["Container Runtime Version", info?.containerRuntimeVersion],
    ["Kubelet Version", info?.kubeletVersion],
  ])
    out.line(1, `${title}:\t${value ?? ""}`);
  if ((spec?.podCIDR ?? "") !== "") out.line(0, `PodCIDR:\t${spec?.podCIDR}`);
  if ((spec?.podCIDRs ?? []).length > 0) out.line(0, `PodCIDRs:\t${spec?.podCIDRs?.join(",")}`);
  if ((spec?.providerID ?? "") !== "") out.line(0, `ProviderID:\t${spec?.providerID}`);
}

/** What a pod asks for: its containers together, or the largest of those that run before them. */
function podAmount({ spec }: Pod, which: Which, name: string): string {
  const amounts = (containers: readonly { readonly resources?: { [w in Which]?: Amounts } }[]) =>
    containers.map(({ resources }) => resources?.[which]?.[name] ?? "0");
  const isSidecar = ({ restartPolicy }: { readonly restartPolicy?: string }): boolean =>
    restartPolicy === "Always";
  const initial = spec?.initContainers ?? [];
  const sidecars = amounts(initial.filter(isSidecar));
  const running = addQuantities("0", ...amounts(spec?.containers ?? []), ...sidecars);
  const before = amounts(initial.filter((one) => !isSidecar(one)));
  const largest = [running, ...before].reduce((a, b) => (compareQuantities(a, b) >= 0 ? a : b));
  const overhead = running === "0" && which === "limits" ? "0" : (spec?.overhead?.[name] ?? "0");
  return addQuantities(largest, overhead);
}

function shareText(amount: string, allocatable: string | undefined, isCpu: boolean): string {
  const value = isCpu ? quantityMilliValue : quantityValue;
  const whole = value(allocatable ?? "0");
  const percent = whole === 0 ? 0 : Math.trunc((value(amount) / whole) * 100);
  return `${amount} (${percent}%)`;
}

const columns: readonly (readonly [name: string, which: Which])[] = [
  ["cpu", "requests"],
  ["cpu", "limits"],
  ["memory", "requests"],
  ["memory", "limits"],
];

function writePods(
  out: TabLines,
  pods: readonly Pod[],
  allocatable: Amounts,
  age: (time: string) => string,
): void {
  out.line(0, `Non-terminated Pods:\t(${pods.length} in total)`);
  const titles = "Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge";
  out.line(1, titles);
  out.line(1, titles.replaceAll(/[A-Za-z ]/g, "-"));
  for (const pod of pods) {
    const { namespace = "", name = "", creationTimestamp } = pod.metadata ?? {};
    const shares = columns.map(([resource, which]) =>
      shareText(podAmount(pod, which, resource), allocatable[resource], resource === "cpu"),
    );
    const old = creationTimestamp === undefined ? "<unknown>" : age(creationTimestamp);
    out.line(1, `${namespace}\t${name}\t\t${shares.join("\t")}\t${old}`);
  }
}

/** Asked for by everybody, whether pods on it ask for them or not. */
const commonResources = ["cpu", "memory", "ephemeral-storage"];

function writeAllocated(out: TabLines, pods: readonly Pod[], allocatable: Amounts): void {
  const total = (which: Which, name: string): string =>
    addQuantities("0", ...pods.map((pod) => podAmount(pod, which, name)));
  out.line(0, "Allocated resources:");
  out.line(1, "(Total limits may be over 100 percent, i.e., overcommitted.)");
  out.raw("  Resource\tRequests\tLimits\n  --------\t--------\t------\n");
  const shown = (name: string, text: (amount: string) => string): void =>
    out.line(1, `${name}\t${text(total("requests", name))}\t${text(total("limits", name))}`);
  const huge = Object.keys(allocatable).filter((name) => name.startsWith("hugepages-"));
  for (const name of [...commonResources, ...huge.toSorted()])
    shown(name, (amount) => shareText(amount, allocatable[name], name === "cpu"));
  const extended = Object.keys(allocatable).filter((name) => name.includes("/"));
  for (const name of extended.toSorted()) shown(name, (amount) => amount);
}

export interface NodeRelated {
  readonly lease: Lease | undefined;
  /** Pods on the node that have not ended. */
  readonly pods: readonly Pod[];
}

export function describeNode(
  node: Node,
  out: TabLines,
  { lease, pods }: NodeRelated,
  age: (time: string) => string,
): void {
  writeIdentity(out, node);
  writeLease(out, lease);
  writeConditions(out, node);
  writeMachine(out, node);
  const allocatable = node.status?.allocatable ?? node.status?.capacity ?? {};
  writePods(out, pods, allocatable, age);
  writeAllocated(out, pods, allocatable);
}
