/**
 * The kinds that roll out: what each has to say of its rollout, and where its history is. A new one
 * is one value here. Pure.
 */
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet } from "../../api/apps/v1.ts";
import type { KubeObject } from "../../api/resource.ts";
import { UsageError } from "../base/flags.ts";
import { daemonSetStatus, hasTemplate, keptTemplate } from "./rollout-daemon-set.ts";
import {
  changeCauseKey,
  isSameTemplate,
  revisionOf,
  revisionsOf,
  rolloutStatus,
  templateOf,
  type RolloutStatus,
} from "./rollout-plan.ts";

export interface Revision {
  readonly number: number;
  readonly changeCause: string | undefined;
  /** As the object itself would have it. */
  readonly template: Readonly<Record<string, unknown>>;
  /** The object has it already. */
  readonly isCurrent: boolean;
}

export interface RolloutKind {
  /** Throws UsageError when the rollout has failed for good. */
  readonly status: (object: KubeObject) => RolloutStatus;
  /** "replicasets.apps": what keeps earlier templates. */
  readonly keptIn: string;
  /** Its own, oldest first. */
  readonly revisions: (object: KubeObject, kept: readonly KubeObject[]) => readonly Revision[];
  /** Why there is none to go back to, when `undo` is not told which. */
  readonly nothingBefore: (name: string) => string;
  /** What stands before the template that a client's dry run of `undo` shows. */
  readonly preview: string;
  /** Undefined where the kind cannot be paused. */
  readonly isPaused?: (object: KubeObject) => boolean;
}

const deployment: RolloutKind = {
  status: (object) => rolloutStatus(object as Deployment),
  keptIn: "replicasets.apps",
  revisions: (object, kept) =>
    revisionsOf(object as Deployment, kept as readonly ReplicaSet[]).map((one) => ({
      number: revisionOf(one),
      changeCause: one.metadata?.annotations?.[changeCauseKey],
      template: templateOf(one),
      isCurrent: isSameTemplate(object as Deployment, one),
    })),
  nothingBefore: (name) => `no rollout history found for deployment "${name}"`,
  preview: "",
  isPaused: (object) => (object as Deployment).spec?.paused === true,
};

const isOwnedBy =
  ({ metadata }: KubeObject) =>
  (one: KubeObject): boolean =>
    one.metadata?.ownerReferences?.some(
      (owner) => owner.controller === true && owner.uid === metadata?.uid,
    ) === true;

const daemonSet: RolloutKind = {
  status: (object) => daemonSetStatus(object as DaemonSet),
  keptIn: "controllerrevisions.apps",
  revisions: (object, kept) =>
    (kept as readonly ControllerRevision[])
      .filter(isOwnedBy(object))
      .map((one) => ({
        number: one.revision ?? 0,
        changeCause: one.metadata?.annotations?.[changeCauseKey],
        template: keptTemplate(one),
        isCurrent: hasTemplate(object as DaemonSet, keptTemplate(one)),
      }))
      .toSorted((one, other) => one.number - other.number),
  nothingBefore: () => "no last revision to roll back to",
  preview: "will roll back to ",
};

/** By plural and group. */
const kinds: Readonly<Record<string, RolloutKind>> = {
  "deployments.apps": deployment,
  "daemonsets.apps": daemonSet,
};

/** Undefined: objects of this kind do not roll out. */
export const rolloutKindOf = ({
  plural,
  group,
}: {
  readonly plural: string;
  readonly group: string;
}): RolloutKind | undefined => kinds[`${plural}.${group}`];

/** The revision to go back to: the one that is asked for (0: none is), or the one before. */
export function undoTarget(
  { nothingBefore }: RolloutKind,
  revisions: readonly Revision[],
  toRevision: number,
  name: string,
): Revision {
  const found =
    toRevision > 0 ? revisions.find(({ number }) => number === toRevision) : revisions.at(-2);
  if (found !== undefined) return found;
  throw new UsageError(
    toRevision > 0
      ? `unable to find specified revision ${toRevision} in history`
      : nothingBefore(name),
  );
}
