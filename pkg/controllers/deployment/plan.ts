/**
 * What a Deployment wants of its ReplicaSets: one for the current template, the others smaller
 * and smaller, the oldest gone. Pure. It never looks at pods but to know whether old ones still
 * run, which the Recreate strategy must.
 */
import type { Deployment, DeploymentStatus, ReplicaSet } from "../../../api/apps/v1.ts";
import { deployments } from "../../../api/resources.ts";
import { controllerReference } from "../../controller/owner.ts";
import { templateHash } from "../template-hash.ts";
import { newestAnnotations, nextRevision, revisionOf, sizeAnnotations } from "./annotations.ts";
import { conditionOf, withCondition, type Conditions } from "./conditions.ts";
import { historyLimit, isRolling, progressDeadlineMs } from "./limits.ts";
import {
  byAge,
  isActive,
  isScaling,
  newestSize,
  scaleAll,
  scaled,
  shrinkOld,
  sizeOf,
} from "./scaling.ts";
import { isComplete, progressCheckInMs, rolloutStatus, statusOf } from "./status.ts";
import { sameTemplate, templateHashLabel } from "./same-template.ts";

type Sets = readonly ReplicaSet[];

export type Change =
  | { readonly do: "create"; readonly replicaSet: ReplicaSet }
  | { readonly do: "update"; readonly replicaSet: ReplicaSet; readonly before: ReplicaSet }
  | { readonly do: "delete"; readonly replicaSet: ReplicaSet };

export interface Plan {
  readonly changes: readonly Change[];
  readonly status: DeploymentStatus;
  /** What the Deployment's revision annotation should say; undefined: leave it. */
  readonly revision?: bigint;
  /** When to look for lack of progress. */
  readonly checkInMs?: number;
}

export interface Actual {
  /** Those that the Deployment owns. */
  readonly replicaSets: Sets;
  /** True when a pod of any but the newest ReplicaSet has not ended. */
  readonly oldPodsRun: (newest: ReplicaSet | undefined) => boolean;
  readonly nowMs: number;
}

/** Pure: the same Deployment and ReplicaSets give the same plan. */
export function planDeployment(deployment: Deployment, actual: Actual): Plan {
  const { nowMs } = actual;
  const sets = actual.replicaSets.toSorted(byAge);
  const newest = sets.find((set) => sameTemplate(set, deployment));
  const old = sets.filter((set) => set !== newest);
  const conditions = deployment.status?.conditions ?? [];
  if (deployment.metadata?.deletionTimestamp !== undefined)
    return { changes: [], status: statusOf(deployment, newest, sets, conditions, nowMs) };
  const situation = {
    deployment,
    newest: newest && current(deployment, newest, old),
    found: newest,
    old,
    conditions: withPause(deployment, conditions, nowMs),
    actual,
  };
  if (deployment.spec.paused === true || isScaling(deployment, sets)) return resize(situation);
  return isRolling(deployment) ? roll(situation) : recreate(situation);
}

interface Situation {
  readonly deployment: Deployment;
  /** The ReplicaSet of the current template, with its annotations brought up to date. */
  readonly newest: ReplicaSet | undefined;
  /** The same, as it was found. */
  readonly found: ReplicaSet | undefined;
  readonly old: Sets;
  readonly conditions: Conditions;
  readonly actual: Actual;
}

/** The Deployment was scaled, or is paused: sizes change, templates do not. */
function resize({ deployment, newest, found, old, conditions, actual }: Situation): Plan {
  const wanted = scaleAll(deployment, newest, old);
  const scaledNewest = newest === undefined ? undefined : wanted[0];
  const status = statusOf(deployment, scaledNewest, wanted, conditions, actual.nowMs);
  const before = found === undefined ? old : [found, ...old];
  const gone = deployment.spec.paused === true ? outdated(deployment, old) : [];
  return {
    changes: [...differences(before, wanted), ...deletions(gone)],
    status,
    ...(newest === undefined ? {} : { revision: revisionOf(newest) }),
  };
}

function roll(situation: Situation): Plan {
  const { deployment, old } = situation;
  const made = situation.newest ?? create(deployment, old);
  const size = newestSize(deployment, [made, ...old], sizeOf(made));
  if (size !== sizeOf(made)) return finish(situation, scaled(made, size, deployment), old);
  const shrunk = shrinkOld(deployment, made, old.filter(isActive));
  const byName = new Map(shrunk.map((set) => [set.metadata?.name, set]));
  return finish(
    situation,
    made,
    old.map((set) => byName.get(set.metadata?.name) ?? set),
  );
}

/** First the old pods end, all of them; then the new ones begin. */
function recreate(situation: Situation): Plan {
  const { deployment, old, newest, actual } = situation;
  if (old.some(isActive)) {
    const empty = old.map((set) => (isActive(set) ? scaled(set, 0, deployment) : set));
    return finish(situation, newest, empty);
  }
  const stillRun = old.some(({ status }) => (status?.replicas ?? 0) > 0);
  if (stillRun || actual.oldPodsRun(newest)) return finish(situation, newest, old);
  const made = newest ?? create(deployment, old);
  const size = newestSize(deployment, [made], sizeOf(made));
  return finish(situation, size === sizeOf(made) ? made : scaled(made, size, deployment), old);
}

/** The changes that lead to these ReplicaSets, and the status that goes with them. */
function finish(situation: Situation, newest: ReplicaSet | undefined, old: Sets): Plan {
  const { deployment, found, actual } = situation;
  const { nowMs } = actual;
  const conditions = withNewest(situation, newest);
  const all = newest === undefined ? old : [newest, ...old];
  const changes = differences(found === undefined ? situation.old : [found, ...situation.old], all);
  const isDone = changes.length === 0 && isComplete(deployment, deployment.status ?? {});
  const status = rolloutStatus(deployment, newest, all, conditions, nowMs);
  const checkInMs = progressCheckInMs(deployment, status, nowMs);
  return {
    changes: isDone ? deletions(outdated(deployment, old)) : changes,
    status,
    ...(newest === undefined ? {} : { revision: revisionOf(newest) }),
    ...(checkInMs === undefined ? {} : { checkInMs }),
  };
}

/** The ReplicaSet for the current template, when there is none yet. */
function create(deployment: Deployment, old: Sets): ReplicaSet {
  const { name = "", namespace = "" } = deployment.metadata ?? {};
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template.metadata?.labels, [templateHashLabel]: hash };
  const revision = nextRevision(old);
  return {
    metadata: {
      name: `${name.slice(0, nameCharsMax - hash.length - 1)}-${hash}`,
      namespace,
      labels,
      annotations: {
        ...newestAnnotations(deployment, {}, revision),
        ...sizeAnnotations(deployment),
      },
      ownerReferences: [controllerReference(deployments, deployment)],
    },
    spec: {
      replicas: newestSize(deployment, old, 0),
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: {
        ...selector,
        matchLabels: { ...selector.matchLabels, [templateHashLabel]: hash },
      },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}

/** Longest name of a ReplicaSet: a DNS subdomain. */
const nameCharsMax = 253;

/** The newest ReplicaSet with the annotations and minReadySeconds that the Deployment wants. */
function current(deployment: Deployment, newest: ReplicaSet, old: Sets): ReplicaSet {
  const revision = nextRevision(old);
  const annotations = newestAnnotations(deployment, newest.metadata?.annotations ?? {}, revision);
  const { minReadySeconds = 0 } = deployment.spec;
  const isSame =
    Object.entries(annotations).every(
      ([key, value]) => newest.metadata?.annotations?.[key] === value,
    ) && (newest.spec.minReadySeconds ?? 0) === minReadySeconds;
  return isSame
    ? newest
    : {
        ...newest,
        metadata: { ...newest.metadata, annotations },
        spec: { ...newest.spec, minReadySeconds },
      };
}

const byRevision = (one: ReplicaSet, other: ReplicaSet): number => {
  const [a, b] = [revisionOf(one), revisionOf(other)];
  return a < b ? -1 : a > b ? 1 : 0;
};

/** Old ReplicaSets beyond the history that is kept, the oldest revisions first; only empty ones. */
function outdated(deployment: Deployment, old: Sets): Sets {
  const limit = historyLimit(deployment) ?? old.length;
  const alive = old.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
  return alive
    .toSorted((one, other) => byRevision(one, other) || byAge(one, other))
    .slice(0, Math.max(0, alive.length - limit))
    .filter(
      (set) =>
        !isActive(set) &&
        (set.status?.replicas ?? 0) === 0 &&
        (set.status?.observedGeneration ?? 0) >= (set.metadata?.generation ?? 0),
    );
}

const deletions = (sets: Sets): readonly Change[] =>
  sets.map((replicaSet) => ({ do: "delete", replicaSet }));

/** Objects that are the very same were not touched. */
function differences(before: Sets, wanted: Sets): readonly Change[] {
  const byName = new Map(before.map((set) => [set.metadata?.name, set]));
  return wanted.flatMap((replicaSet): Change[] => {
    const known = byName.get(replicaSet.metadata?.name);
    if (known === undefined) return [{ do: "create", replicaSet }];
    return known === replicaSet ? [] : [{ do: "update", replicaSet, before: known }];
  });
}

/** A pause stops the clock of the progress deadline; its end starts it again. */
function withPause(deployment: Deployment, conditions: Conditions, nowMs: number): Conditions {
  const reason = conditionOf(conditions, "Progressing")?.reason;
  if (progressDeadlineMs(deployment) === undefined || reason === "ProgressDeadlineExceeded")
    return conditions;
  const isPaused = deployment.spec.paused === true;
  if (isPaused === (reason === "DeploymentPaused")) return conditions;
  return withCondition(
    conditions,
    {
      type: "Progressing",
      status: "Unknown",
      reason: isPaused ? "DeploymentPaused" : "DeploymentResumed",
      message: isPaused ? "Deployment is paused" : "Deployment is resumed",
    },
    nowMs,
  );
}

/** The first word about progress: the ReplicaSet was made, or was there already. */
function withNewest(
  { deployment, conditions, found, actual }: Situation,
  newest: ReplicaSet | undefined,
): Conditions {
  const isNew = found === undefined;
  const isSaid = conditionOf(conditions, "Progressing") !== undefined;
  if (progressDeadlineMs(deployment) === undefined || newest === undefined) return conditions;
  if (!isNew && isSaid) return conditions;
  const name = newest.metadata?.name;
  return withCondition(
    conditions,
    {
      type: "Progressing",
      status: "True",
      reason: isNew ? "NewReplicaSetCreated" : "FoundNewReplicaSet",
      message: isNew ? `Created new replica set "${name}"` : `Found new replica set "${name}"`,
    },
    actual.nowMs,
  );
}
