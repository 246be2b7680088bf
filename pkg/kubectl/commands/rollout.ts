import type { Pod } from "../../../api/core/v1.ts";
import type { KubeObject } from "../../../api/resource.ts";
import { jsonLines } from "../../client/json-lines.ts";
import { rfc3339 } from "../../base/clock.ts";
import { lastAppliedKey } from "../apply-plan.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { UsageError, type Flags } from "../../base/flags.ts";
import { describeTemplate } from "../describe/pod-template.ts";
import { alignTabs, TabLines } from "../describe/tab-lines.ts";
import { durationMs } from "../../base/duration.ts";
import { eachOf } from "../failures.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { pathOf, qualifiedKind, qualifiedName } from "../resource-mapper.ts";
import { rolloutKindOf, undoTarget, type Revision, type RolloutKind } from "../rollout-kinds.ts";
import { dryRunMark } from "../write-request.ts";

const flags = {
  filename: { short: "f", kind: "list", help: "Files that name the objects" },
  recursive: { short: "R", kind: "bool", help: "Read folders of -f to the bottom" },
  selector: { short: "l", kind: "text", help: "Label selector" },
  watch: {
    short: "w",
    kind: "text",
    alone: "true",
    help: "status: false tells the state and ends",
  },
  timeout: { kind: "text", help: "status: give up after 30s, 5m, ..." },
  revision: { kind: "number", help: "history: details of this revision" },
  "to-revision": { kind: "number", help: "undo: the revision to go back to (0: the one before)" },
  "dry-run": { kind: "text", alone: "client", help: "undo: none, client or server" },
} as const;
type RolloutFlags = Flags<typeof flags>;

interface Rollout {
  readonly kubectl: Kubectl;
  readonly target: ObjectTarget;
  readonly kind: RolloutKind;
  readonly given: RolloutFlags;
}

const read = ({ kubectl, target }: Pick<Rollout, "kubectl" | "target">): Promise<KubeObject> =>
  kubectl.api.send<KubeObject>({ method: "GET", path: target.path });

const tell = ({ kubectl, target }: Rollout, done: string): void =>
  kubectl.terminal.out(`${qualifiedKind(target.resource)}/${target.name} ${done}\n`);

async function history(
  { kubectl, target, kind }: Rollout,
  object: KubeObject,
): Promise<readonly Revision[]> {
  const resource = (await kubectl.mapper([kind.keptIn])).byName(kind.keptIn);
  const path = pathOf(resource, { namespace: target.namespace });
  const list = await kubectl.api.send<{ items?: readonly KubeObject[] }>({ method: "GET", path });
  return kind.revisions(object, list.items ?? []);
}

/** Tells each step of the rollout until it is done. */
async function status(rollout: Rollout): Promise<void> {
  const { kubectl, given } = rollout;
  const overdue = new AbortController();
  const timeoutMs = durationMs(given.timeout ?? "0");
  using _alarm =
    timeoutMs === 0 ? undefined : kubectl.clock.after(timeoutMs, () => overdue.abort());
  await watchStatus(rollout, AbortSignal.any([kubectl.signal, overdue.signal])).catch(
    (error: unknown) => {
      throw overdue.signal.aborted ? new UsageError("timed out waiting for the condition") : error;
    },
  );
}

async function watchStatus(rollout: Rollout, signal: AbortSignal): Promise<void> {
  const { kubectl, target, kind, given } = rollout;
  let last = "";
  const isDone = (now: KubeObject): boolean => {
    const found = kind.status(now);
    if (found.message !== last) kubectl.terminal.out(`${found.message}\n`);
    last = found.message;
    return found.isDone;
  };
  for (;;) {
    signal.throwIfAborted();
    const found = await read(rollout);
    if (isDone(found) || given.watch === "false") return;
    const query = new URLSearchParams({
      watch: "true",
      fieldSelector: `metadata.name=${target.name}`,
      resourceVersion: found.metadata?.resourceVersion ?? "",
    });
    const path = `${pathOf(target.resource, { namespace: target.namespace })}?${query}`;
    const stream = await kubectl.api.stream({ method: "GET", path }, signal);
    for await (const event of jsonLines(stream)) {
      const { type, object } = event as { type: string; object: KubeObject };
      if (type === "DELETED") throw new UsageError("object has been deleted");
      if (type !== "ERROR" && type !== "BOOKMARK" && isDone(object)) return;
    }
  }
}

const templateText = (template: Pod): string => {
  const lines = new TabLines();
  describeTemplate(template, lines);
  return lines.text;
};

async function showHistory(rollout: Rollout): Promise<void> {
  const { kubectl, target, given } = rollout;
  const revisions = await history(rollout, await read(rollout));
  const { terminal } = kubectl;
  if (given.revision !== undefined && given.revision > 0) {
    const found = revisions.find(({ number }) => number === given.revision);
    if (found === undefined) throw new UsageError("unable to find the specified revision");
    tell(rollout, `with revision #${given.revision}`);
    return terminal.out(`${templateText(found.template as unknown as Pod)}\n`);
  }
  const rows = revisions.map(
    ({ number, changeCause }) => `${number}\t${changeCause ?? "<none>"}\n`,
  );
  terminal.out(`${qualifiedKind(target.resource)}/${target.name} \n`);
  terminal.out(`${alignTabs(`REVISION\tCHANGE-CAUSE\n${rows.join("")}`)}\n`);
}

async function patch(
  { kubectl, target, given }: Rollout,
  body: unknown,
  type = "strategic-merge-patch",
): Promise<void> {
  const query = new URLSearchParams({ fieldManager: "kubectl-rollout" });
  if (given["dry-run"] === "server") query.set("dryRun", "All");
  await kubectl.api.send({
    method: "PATCH",
    path: `${target.path}?${query}`,
    contentType: `application/${type}+json`,
    body,
  });
}

function warnOfApply({ kubectl, target }: Rollout, { metadata }: KubeObject): void {
  if (metadata?.annotations?.[lastAppliedKey] === undefined) return;
  kubectl.terminal.err(
    `Warning: resource ${target.resource.plural}/${target.name} was previously managed with 'tskubectl apply'. Rolling back will not update the kubectl.kubernetes.io/last-applied-configuration annotation, which may cause unexpected behavior on future 'tskubectl apply' operations. Consider using 'tskubectl apply' with your previous configuration file instead.\n`,
  );
}

async function undo(rollout: Rollout): Promise<void> {
  const { target, kind, given } = rollout;
  const found = await read(rollout);
  warnOfApply(rollout, found);
  const revisions = await history(rollout, found);
  const revision = undoTarget(kind, revisions, given["to-revision"] ?? 0, target.name);
  const mark = dryRunMark(given["dry-run"]);
  if (given["dry-run"] === "client") {
    const text = templateText(revision.template as unknown as Pod);
    return tell(rollout, `${kind.preview}${text}${mark}`);
  }
  if (kind.isPaused?.(found) === true) {
    throw new UsageError(
      "you cannot rollback a paused deployment; resume it first with 'tskubectl rollout resume' and try again",
    );
  }
  if (revision.isCurrent) {
    const why = `current template already matches revision ${revision.number}`;
    return tell(rollout, `skipped rollback (${why})${mark}`);
  }
  // The whole template is replaced: a merge would keep what the newer revision added.
  const body = [{ op: "replace", path: "/spec/template", value: revision.template }];
  await patch(rollout, body, "json-patch");
  tell(rollout, `rolled back${mark}`);
}

const refusal = ({ target }: Rollout, because: string): UsageError =>
  new UsageError(`${qualifiedName(target.resource)} "${target.name}" ${because}`);

const restartedAt = "kubectl.kubernetes.io/restartedAt";

async function restart(rollout: Rollout): Promise<void> {
  if (rollout.kind.isPaused?.(await read(rollout)) === true)
    throw refusal(rollout, "can't restart paused deployment (run rollout resume first)");
  const annotations = { [restartedAt]: rfc3339(rollout.kubectl.clock.now()) };
  await patch(rollout, { spec: { template: { metadata: { annotations } } } });
  tell(rollout, "restarted");
}

async function setPaused(rollout: Rollout, isPaused: boolean): Promise<void> {
  if (rollout.kind.isPaused?.(await read(rollout)) === isPaused)
    throw refusal(rollout, isPaused ? "is already paused" : "is not paused");
  await patch(rollout, { spec: { paused: isPaused ? true : null } });
  tell(rollout, isPaused ? "paused" : "resumed");
}

interface Action {
  readonly run: (rollout: Rollout) => Promise<void>;
  /** It needs a kind that can be paused. */
  readonly pauses?: boolean;
  /** Why another kind has none: kubectl has words of its own for each. */
  readonly otherKind: (target: ObjectTarget, kind: string) => string;
}

const cannot =
  (what: string): Action["otherKind"] =>
  ({ resource, name }) =>
    `${qualifiedName(resource)} "${name}" ${what} is not supported`;

const actions: Readonly<Record<string, Action>> = {
  status: {
    run: status,
    otherKind: (_, kind) => `no status viewer has been implemented for ${kind}`,
  },
  history: {
    run: showHistory,
    otherKind: (_, kind) => `no history viewer has been implemented for "${kind}"`,
  },
  undo: {
    run: undo,
    otherKind: (_, kind) => `no rollbacker has been implemented for "${kind}"`,
  },
  restart: { run: restart, otherKind: cannot("restarting") },
  pause: { run: (rollout) => setPaused(rollout, true), pauses: true, otherKind: cannot("pausing") },
  resume: {
    run: (rollout) => setPaused(rollout, false),
    pauses: true,
    otherKind: cannot("resuming"),
  },
};

async function act(rollout: Omit<Rollout, "kind">, action: Action): Promise<void> {
  const { resource } = rollout.target;
  const kind = rolloutKindOf(resource);
  const isMeant = action.pauses !== true || kind?.isPaused !== undefined;
  if (kind !== undefined && isMeant) return action.run({ ...rollout, kind });
  // Who names what is not there hears that first.
  await read(rollout);
  const named = resource.group === "" ? resource.kind : `${resource.kind}.${resource.group}`;
  throw new UsageError(action.otherKind(rollout.target, named));
}

export const rollout = defineCommand({
  usage: `rollout (${Object.keys(actions).join(" | ")}) (TYPE NAME | TYPE/NAME | -f FILE)`,
  flags,
  run: async (kubectl, { flags: given, args }) => {
    const [word = "", ...rest] = args;
    const action = actions[word];
    if (action === undefined) {
      throw new UsageError(
        `unknown command "${word}"\nSee 'tskubectl rollout -h' for help and examples`,
      );
    }
    const targets = await chooseObjects(kubectl, rest, {
      ...given,
      all: true,
      allNamespaces: false,
      whenNothing: "required resource not specified",
    });
    const failures = await eachOf(targets, (target) => act({ kubectl, target, given }, action));
    if (failures !== undefined) throw failures;
    return 0;
  },
});
