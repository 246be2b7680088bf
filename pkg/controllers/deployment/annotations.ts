/** What a Deployment writes down on its ReplicaSets; `kubectl rollout` reads it. */
import type { Deployment, ReplicaSet } from "../../../api/apps/v1.ts";
import { fenceposts, wantedReplicas } from "./limits.ts";

export const revisionAnnotation = "deployment.kubernetes.io/revision";
const revisionHistoryAnnotation = "deployment.kubernetes.io/revision-history";
const desiredReplicasAnnotation = "deployment.kubernetes.io/desired-replicas";
const maxReplicasAnnotation = "deployment.kubernetes.io/max-replicas";

/** Characters of the list of earlier revisions; the oldest are dropped beyond. */
const historyCharsMax = 2_000;

const notCopied: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "deprecated.deployment.rollback.to",
  revisionAnnotation,
  revisionHistoryAnnotation,
  desiredReplicasAnnotation,
  maxReplicasAnnotation,
]);

type Annotations = Readonly<Record<string, string>>;

/** Revisions are of 64 bits, and somebody may have written a large one; undefined: unreadable. */
function revisionIn(text: string): bigint | undefined {
  if (!/^\d{1,19}$/.test(text)) return undefined;
  const revision = BigInt(text);
  return revision <= revisionMax ? revision : undefined;
}
const revisionMax = 2n ** 63n - 1n;

/** 0 when there is none, or none that can be read. */
export const revisionOf = (object: ReplicaSet | Deployment): bigint =>
  revisionIn(object.metadata?.annotations?.[revisionAnnotation] ?? "") ?? 0n;

/** The one after the newest of these. */
export const nextRevision = (old: readonly ReplicaSet[]): bigint =>
  old.map(revisionOf).reduce((newest, one) => (one > newest ? one : newest), 0n) + 1n;

const count = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;

export const desiredReplicas = ({ metadata }: ReplicaSet): number | undefined =>
  count(metadata?.annotations?.[desiredReplicasAnnotation]);

export const maxReplicas = ({ metadata }: ReplicaSet): number | undefined =>
  count(metadata?.annotations?.[maxReplicasAnnotation]);

/** For which size of the Deployment the ReplicaSet was sized: tells scaling from rolling. */
export const sizeAnnotations = (deployment: Deployment): Annotations => {
  const wanted = wantedReplicas(deployment);
  return {
    [desiredReplicasAnnotation]: String(wanted),
    [maxReplicasAnnotation]: String(wanted + fenceposts(deployment).maxSurge),
  };
};

/** Annotations of the ReplicaSet of the current template, which is to be of this revision. */
export function newestAnnotations(
  deployment: Deployment,
  present: Annotations,
  revision: bigint,
): Annotations {
  const copied = Object.entries(deployment.metadata?.annotations ?? {}).filter(
    ([key]) => !notCopied.has(key),
  );
  const annotations = { ...present, ...Object.fromEntries(copied) };
  const had = present[revisionAnnotation];
  const before = revisionIn(had ?? "0");
  if (before === undefined || before >= revision) return annotations;
  return {
    ...annotations,
    [revisionAnnotation]: String(revision),
    // It was of an earlier revision: this is a way back, and the earlier number is history.
    ...(had === undefined ? {} : withHistory(present[revisionHistoryAnnotation] ?? "", had)),
  };
}

function withHistory(history: string, revision: string): Annotations {
  const revisions = [...(history === "" ? [] : history.split(",")), revision];
  while (revisions.join(",").length > historyCharsMax) revisions.shift();
  return { [revisionHistoryAnnotation]: revisions.join(",") };
}
