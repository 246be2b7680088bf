import type { Pod } from "../../../api/core/v1.ts";
import { timeText } from "../print/time-text.ts";
import { writeContainers, type FieldValue } from "./containers.ts";
import { controllerOf, writeAnnotations, writePairs } from "./describe-metadata.ts";
import { writeSpread, writeTolerations } from "./pod-template.ts";
import type { TabLines } from "./tab-lines.ts";
import { writeVolumes } from "./volumes.ts";

/** What fields of the pod an environment may show: its metadata, not what changes as it runs. */
const fieldValueOf =
  ({ metadata }: Pod): FieldValue =>
  (path) => {
    const [, field = ""] = /^metadata\.(name|namespace|uid)$/.exec(path) ?? [];
    if (field !== "") return String(metadata?.[field as "name" | "namespace" | "uid"] ?? "");
    const [, which, key = ""] = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path) ?? [];
    return which === undefined ? "" : (metadata?.[which as "labels"]?.[key] ?? "");
  };

function writePlace(out: TabLines, { metadata, spec, status }: Pod): void {
  out.line(0, `Name:\t${metadata?.name ?? ""}`);
  out.line(0, `Namespace:\t${metadata?.namespace ?? ""}`);
  out.line(0, `Priority:\t${spec?.priority ?? "<none>"}`);
  if ((spec?.priorityClassName ?? "") !== "")
    out.line(0, `Priority Class Name:\t${spec?.priorityClassName}`);
  if ((spec?.runtimeClassName ?? "") !== "")
    out.line(0, `Runtime Class Name:\t${spec?.runtimeClassName}`);
  out.line(0, `Service Account:\t${spec?.serviceAccountName ?? ""}`);
  const node = spec?.nodeName ?? "";
  out.line(0, `Node:\t${node === "" ? "<none>" : `${node}/${status?.hostIP ?? ""}`}`);
  if (status?.startTime !== undefined) out.line(0, `Start Time:\t${timeText(status.startTime)}`);
  writePairs(out, 0, "Labels", metadata?.labels);
  writeAnnotations(out, 0, metadata?.annotations);
}

function writeStatus(out: TabLines, pod: Pod, age: (time: string) => string): void {
  const { metadata, spec, status } = pod;
  const hasEnded = status?.phase === "Failed" || status?.phase === "Succeeded";
  if (metadata?.deletionTimestamp === undefined || hasEnded)
    out.line(0, `Status:\t${status?.phase ?? ""}`);
  else {
    out.line(0, `Status:\tTerminating (lasts ${age(metadata.deletionTimestamp)})`);
    out.line(0, `Termination Grace Period:\t${metadata.deletionGracePeriodSeconds ?? 0}s`);
  }
  if ((status?.reason ?? "") !== "") out.line(0, `Reason:\t${status?.reason}`);
  if ((status?.message ?? "") !== "") out.line(0, `Message:\t${status?.message}`);
  const seccomp = spec?.securityContext?.seccompProfile;
  if (seccomp !== undefined) {
    out.line(0, `SeccompProfile:\t${seccomp.type}`);
    if (seccomp.type === "Localhost")
      out.line(0, `LocalhostProfile:\t${seccomp.localhostProfile ?? ""}`);
  }
  out.line(0, `IP:\t${status?.podIP ?? ""}`);
  const ips = status?.podIPs ?? [];
  if (ips.length === 0) out.line(0, "IPs:\t<none>");
  else out.line(0, "IPs:");
  for (const { ip } of ips) out.line(1, `IP:\t${ip}`);
  const owner = controllerOf(pod);
  if (owner !== undefined) out.line(0, `Controlled By:\t${owner}`);
  if ((status?.nominatedNodeName ?? "") !== "")
    out.line(0, `NominatedNodeName:\t${status?.nominatedNodeName}`);
}

function writeAllContainers(out: TabLines, pod: Pod): void {
  const { spec, status } = pod;
  const common = { fieldValue: fieldValueOf(pod), indent: "", nameIndent: "  " };
  writeContainers(out, {
    ...common,
    title: "Init Containers",
    containers: spec?.initContainers,
    statuses: status?.initContainerStatuses,
  });
  writeContainers(out, {
    ...common,
    title: "Containers",
    containers: spec?.containers,
    statuses: status?.containerStatuses,
  });
  writeContainers(out, {
    ...common,
    title: "Ephemeral Containers",
    containers: spec?.ephemeralContainers,
    statuses: status?.ephemeralContainerStatuses,
  });
}

function writeConditions(out: TabLines, { spec, status }: Pod): void {
  const conditions = status?.conditions ?? [];
  const gates = spec?.readinessGates ?? [];
  if (gates.length > 0) out.line(0, "Readiness Gates:\n  Type\tStatus");
  for (const { conditionType } of gates) {
    const found = conditions.find(({ type }) => type === conditionType);
    out.line(1, `${conditionType} \t${found?.status ?? "<none>"} `);
  }
  if (conditions.length > 0) out.line(0, "Conditions:\n  Type\tStatus");
  for (const { type, status: value } of conditions) out.line(1, `${type} \t${value} `);
}

/** `age`: how long ago a time was. */
export function describePod(pod: Pod, out: TabLines, age: (time: string) => string): void {
  writePlace(out, pod);
  writeStatus(out, pod, age);
  writeAllContainers(out, pod);
  writeConditions(out, pod);
  writeVolumes(out, pod.spec?.volumes, { indent: "", nameIndent: "  " });
  if ((pod.status?.qosClass ?? "") !== "") out.line(0, `QoS Class:\t${pod.status?.qosClass}`);
  writePairs(out, 0, "Node-Selectors", pod.spec?.nodeSelector);
  writeTolerations(out, 0, pod.spec?.tolerations);
  writeSpread(out, 0, pod.spec);
}
