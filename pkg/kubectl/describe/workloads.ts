import type { DaemonSet, Deployment, ReplicaSet } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { isSameTemplate } from "../rollout-plan.ts";
import { timeText } from "../print/time-text.ts";
import { controllerOf, selectorText, writeAnnotations, writePairs } from "./describe-metadata.ts";
import { describeTemplate } from "./pod-template.ts";
import type { TabLines } from "./tab-lines.ts";

function writeConditions(out: TabLines, { status }: Deployment): void {
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return;
  out.raw("Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n");
  for (const { type, status: value, reason } of conditions)
    out.line(1, `${type} \t${value}\t${reason ?? ""}`);
}

/** Oldest first; those of one second by name. */
const creationKey = ({ metadata }: ReplicaSet): string =>
  `${metadata?.creationTimestamp ?? ""} ${metadata?.name ?? ""}`;

const setsText = (sets: readonly ReplicaSet[]): string =>
  sets
    .map(({ metadata, spec, status }) => {
      const size = `${status?.replicas ?? 0}/${spec?.replicas ?? 0}`;
      return `${metadata?.name ?? ""} (${size} replicas created)`;
    })
    .join(", ") || "<none>";

/** `owned`: the deployment's own replica sets, oldest revision first. */
export function describeDeployment(
  deployment: Deployment,
  out: TabLines,
  owned: readonly ReplicaSet[],
): void {
  const { metadata, spec, status } = deployment;
  out.line(0, `Name:\t${metadata?.name ?? ""}`);
  out.line(0, `Namespace:\t${metadata?.namespace ?? ""}`);
  out.line(0, `CreationTimestamp:\t${timeText(metadata?.creationTimestamp)}`);
  writePairs(out, 0, "Labels", metadata?.labels);
  writeAnnotations(out, 0, metadata?.annotations);
  out.line(0, `Selector:\t${selectorText(spec?.selector)}`);
  const { updatedReplicas = 0, replicas = 0, availableReplicas = 0 } = status ?? {};
  out.line(
    0,
    `Replicas:\t${spec?.replicas ?? 0} desired | ${updatedReplicas} updated | ` +
      `${replicas} total | ${availableReplicas} available | ` +
      `${status?.unavailableReplicas ?? 0} unavailable`,
  );
  out.line(0, `StrategyType:\t${spec?.strategy?.type ?? ""}`);
  out.line(0, `MinReadySeconds:\t${spec?.minReadySeconds ?? 0}`);
  const rolling = spec?.strategy?.rollingUpdate;
  if (rolling !== undefined) {
    const { maxUnavailable, maxSurge } = rolling;
    out.line(0, `RollingUpdateStrategy:\t${maxUnavailable} max unavailable, ${maxSurge} max surge`);
  }
  describeTemplate((spec?.template ?? {}) as Pod, out);
  writeConditions(out, deployment);
  const current = owned.filter((one) => isSameTemplate(deployment, one)).slice(0, 1);
  const old = owned
    .filter((one) => !current.includes(one))
    .toSorted((a, b) => (creationKey(a) < creationKey(b) ? -1 : 1));
  out.line(0, `OldReplicaSets:\t${setsText(old)}`);
  out.line(0, `NewReplicaSet:\t${setsText(current)}`);
}

/** `owned`: the pods that the replica set controls. */
export function describeReplicaSet(
  replicaSet: ReplicaSet,
  out: TabLines,
  owned: readonly Pod[],
): void {
  const { metadata, spec, status } = replicaSet;
  out.line(0, `Name:\t${metadata?.name ?? ""}`);
  out.line(0, `Namespace:\t${metadata?.namespace ?? ""}`);
  out.line(0, `Selector:\t${selectorText(spec?.selector)}`);
  writePairs(out, 0, "Labels", metadata?.labels);
  writeAnnotations(out, 0, metadata?.annotations);
  const owner = controllerOf(replicaSet);
  if (owner !== undefined) out.line(0, `Controlled By:\t${owner}`);
  out.line(0, `Replicas:\t${status?.replicas ?? 0} current / ${spec?.replicas ?? 0} desired`);
  out.line(0, `Pods Status:\t${phasesText(owned)}`);
  describeTemplate((spec?.template ?? {}) as Pod, out);
  const conditions = status?.conditions ?? [];
  if (conditions.length === 0) return;
  out.raw("Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n");
  for (const { type, status: value, reason } of conditions)
    out.line(1, `${type} \t${value}\t${reason ?? ""}`);
}

function phasesText(pods: readonly Pod[]): string {
  const count = (phase: string): number =>
    pods.filter(({ status }) => status?.phase === phase).length;
  return (
    `${count("Running")} Running / ${count("Pending")} Waiting / ` +
    `${count("Succeeded")} Succeeded / ${count("Failed")} Failed`
  );
}

/** `owned`: the pods that the daemon set controls. */
export function describeDaemonSet(
  daemonSet: DaemonSet,
  out: TabLines,
  owned: readonly Pod[],
): void {
  const { metadata, spec, status } = daemonSet;
  out.line(0, `Name:\t${metadata?.name ?? ""}`);
  out.line(0, `Namespace:\t${metadata?.namespace ?? ""}`);
  out.line(0, `Selector:\t${selectorText(spec?.selector)}`);
  const nodeSelector = selectorText({ matchLabels: spec?.template?.spec?.nodeSelector ?? {} });
  out.line(0, `Node-Selector:\t${nodeSelector}`);
  writePairs(out, 0, "Labels", metadata?.labels);
  writeAnnotations(out, 0, metadata?.annotations);
  const count = (what: string, value: number | undefined): void =>
    out.line(0, `${what}: ${value ?? 0}`);
  count("Desired Number of Nodes Scheduled", status?.desiredNumberScheduled);
  count("Current Number of Nodes Scheduled", status?.currentNumberScheduled);
  count("Number of Nodes Scheduled with Up-to-date Pods", status?.updatedNumberScheduled);
  count("Number of Nodes Scheduled with Available Pods", status?.numberAvailable);
  count("Number of Nodes Misscheduled", status?.numberMisscheduled);
  out.line(0, `Pods Status:\t${phasesText(owned)}`);
  describeTemplate((spec?.template ?? {}) as Pod, out);
}
