/**
 * The ControllerRevisions of a DaemonSet: each keeps a template that was once the current one, so
 * that `rollout undo` has where to go back to. Pure.
 */
import type { ControllerRevision, DaemonSet } from "../../../api/apps/v1.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { daemonSets } from "../../../api/resources.ts";
import { controllerReference } from "../../controller/owner.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { isFields } from "../../machinery/fields.ts";
import { templateHash } from "../template-hash.ts";
import { revisionHashLabel } from "./daemon-pod.ts";

type Revisions = readonly ControllerRevision[];

export interface RevisionPlan {
  /** Of the current template, as it is or should be. */
  readonly current: ControllerRevision;
  /** What has to be done for `current` to be true. */
  readonly do: "create" | "update" | "nothing";
  /** Others of the very same template: its pods become those of `current`, and they go. */
  readonly doubles: Revisions;
  /** Of other templates, oldest first. */
  readonly old: Revisions;
}

const numberOf = ({ revision = 0 }: ControllerRevision): number => revision;
const byNumber = (one: ControllerRevision, other: ControllerRevision): number =>
  numberOf(one) - numberOf(other);

/**
 * A strategic merge patch that puts the template in place of another. Fields are in alphabetical
 * order: kubectl compares the bytes with those that it would write itself.
 */
const dataOf = ({ spec }: DaemonSet): unknown =>
  sorted({ spec: { template: { ...spec.template, $patch: "replace" } } });

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isFields(value)) return value;
  const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sorted(inner)]));
}

function templateIn({ data }: ControllerRevision): unknown {
  const spec = isFields(data) ? data["spec"] : undefined;
  const template = isFields(spec) ? spec["template"] : undefined;
  if (!isFields(template)) return undefined;
  const { $patch: _how, ...rest } = template;
  return rest;
}

export const hashOf = ({ metadata }: ControllerRevision): string =>
  metadata?.labels?.[revisionHashLabel] ?? metadata?.name ?? "";

/** True when the revision keeps the DaemonSet's current template. */
export const keepsTemplate = (revision: ControllerRevision, { spec }: DaemonSet): boolean =>
  isSemanticallyEqual(templateIn(revision), spec.template);

/** `revisions`: those that the DaemonSet owns. */
export function planRevisions(daemonSet: DaemonSet, revisions: Revisions): RevisionPlan {
  const sorted = revisions.toSorted(byNumber);
  const same = sorted.filter((one) => keepsTemplate(one, daemonSet));
  const old = sorted.filter((one) => !same.includes(one));
  const number = Math.max(0, ...old.map(numberOf)) + 1;
  const newest = same.at(-1);
  if (newest === undefined)
    return { current: newRevision(daemonSet, number), do: "create", doubles: [], old };
  const wanted = { ...newest, revision: Math.max(number, numberOf(newest)) };
  const labelled = withHash(wanted);
  const isChanged = labelled !== wanted || wanted.revision !== newest.revision;
  return {
    current: labelled,
    do: isChanged ? "update" : "nothing",
    doubles: same.slice(0, -1),
    old,
  };
}

/** One that was made elsewhere has a name, if no hash: that is as good. */
function withHash(revision: ControllerRevision): ControllerRevision {
  const { metadata = {} } = revision;
  if (metadata.labels?.[revisionHashLabel] !== undefined) return revision;
  const labels = { ...metadata.labels, [revisionHashLabel]: hashOf(revision) };
  return { ...revision, metadata: { ...metadata, labels } };
}

function newRevision(daemonSet: DaemonSet, revision: number): ControllerRevision {
  const { name = "", namespace = "", annotations } = daemonSet.metadata ?? {};
  const hash = templateHash(daemonSet.spec.template, daemonSet.status?.collisionCount);
  return {
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels: { ...daemonSet.spec.template.metadata?.labels, [revisionHashLabel]: hash },
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [controllerReference(daemonSets, daemonSet)],
    },
    data: dataOf(daemonSet),
    revision,
  };
}

/** Old revisions beyond the limit, the oldest first; those that have pods stay. */
export function outdated(daemonSet: DaemonSet, old: Revisions, pods: readonly Pod[]): Revisions {
  const surplus = old.length - (daemonSet.spec.revisionHistoryLimit ?? 10);
  if (surplus <= 0) return [];
  const living = new Set(pods.map(({ metadata }) => metadata?.labels?.[revisionHashLabel]));
  return old.filter((one) => !living.has(hashOf(one))).slice(0, surplus);
}
