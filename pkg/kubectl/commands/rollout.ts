import type { Deployment, ReplicaSet } from "../../../api/apps/v1.ts";
import { jsonLines } from "../../client/json-lines.ts";
import { rfc3339 } from "../../base/clock.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { UsageError, type Flags } from "../../base/flags.ts";
import { chooseObjects, type ObjectTarget } from "../object-args.ts";
import { ColumnPrinter } from "../print/table.ts";
import { pathOf, qualifiedKind } from "../resource-mapper.ts";
import {
  changeCauseKey,
  revisionOf,
  revisionsOf,
  rolloutStatus,
  templateOf,
  undoTarget,
} from "../rollout-plan.ts";

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
} as const;
type RolloutFlags = Flags<typeof flags>;

const isDeployment = ({ resource }: ObjectTarget): boolean =>
  resource.plural === "deployments" && resource.group === "apps";

const read = (kubectl: Kubectl, target: ObjectTarget): Promise<Deployment> =>
  kubectl.api.send<Deployment>({ method: "GET", path: target.path });

async function history(
  kubectl: Kubectl,
  target: ObjectTarget,
  deployment: Deployment,
): Promise<readonly ReplicaSet[]> {
  const resource = (await kubectl.mapper()).byName("replicasets.apps");
  const path = pathOf(resource, { namespace: target.namespace });
  const list = await kubectl.api.send<{ items?: readonly ReplicaSet[] }>({ method: "GET", path });
  return revisionsOf(deployment, list.items ?? []);
}

/** Tells each step of the rollout until it is done. */
async function status(
  kubectl: Kubectl,
  target: ObjectTarget,
  given: RolloutFlags,
): Promise<number> {
  const tell = (deployment: Deployment): boolean => {
    const { message, isDone } = rolloutStatus(deployment);
    if (message !== last) kubectl.terminal.out(`${message}\n`);
    last = message;
    return isDone;
  };
  let last = "";
  for (;;) {
    const deployment = await read(kubectl, target);
    if (tell(deployment) || given.watch === "false") return 0;
    const query = new URLSearchParams({
      watch: "true",
      fieldSelector: `metadata.name=${target.name}`,
      resourceVersion: deployment.metadata?.resourceVersion ?? "",
    });
    const path = `${pathOf(target.resource, { namespace: target.namespace })}?${query}`;
    const stream = await kubectl.api.stream({ method: "GET", path });
    for await (const event of jsonLines(stream)) {
      const { type, object } = event as { type: string; object: Deployment };
      if (type === "DELETED") throw new UsageError("object has been deleted");
      if (type !== "ERROR" && tell(object)) return 0;
    }
  }
}

async function showHistory(
  kubectl: Kubectl,
  target: ObjectTarget,
  given: RolloutFlags,
): Promise<number> {
  const revisions = await history(kubectl, target, await read(kubectl, target));
  const { terminal } = kubectl;
  terminal.out(`${qualifiedKind(target.resource)}/${target.name} \n`);
  if (given.revision !== undefined && given.revision > 0) {
    const { stringify } = await import("yaml");
    const template = templateOf(undoTarget(revisions, given.revision, target.name));
    terminal.out(`Pod Template (revision ${given.revision}):\n${stringify(template)}`);
    return 0;
  }
  const rows = revisions.map((one) => [
    `${revisionOf(one)}`,
    one.metadata?.annotations?.[changeCauseKey] ?? "<none>",
  ]);
  terminal.out(`${new ColumnPrinter().lines([["REVISION", "CHANGE-CAUSE"], ...rows])}\n`);
  return 0;
}

async function patch(
  kubectl: Kubectl,
  target: ObjectTarget,
  body: unknown,
  done: string,
  type = "strategic-merge-patch",
): Promise<number> {
  await kubectl.api.send({
    method: "PATCH",
    path: target.path,
    contentType: `application/${type}+json`,
    body,
  });
  kubectl.terminal.out(`${qualifiedKind(target.resource)}/${target.name} ${done}\n`);
  return 0;
}

async function undo(kubectl: Kubectl, target: ObjectTarget, given: RolloutFlags): Promise<number> {
  const deployment = await read(kubectl, target);
  if (deployment.spec?.paused === true) {
    throw new UsageError(
      `you cannot rollback a paused deployment; resume it first with 'tskubectl rollout resume deployment/${target.name}' and try again`,
    );
  }
  const revisions = await history(kubectl, target, deployment);
  const template = templateOf(undoTarget(revisions, given["to-revision"] ?? 0, target.name));
  // The whole template is replaced: a merge would keep what the newer revision added.
  const body = [{ op: "replace", path: "/spec/template", value: template }];
  return patch(kubectl, target, body, "rolled back", "json-patch");
}

const restartedAt = "kubectl.kubernetes.io/restartedAt";

const actions: Readonly<
  Record<string, (kubectl: Kubectl, target: ObjectTarget, given: RolloutFlags) => Promise<number>>
> = {
  status,
  history: showHistory,
  undo,
  restart: (kubectl, target) => {
    const annotations = { [restartedAt]: rfc3339(kubectl.clock.now()) };
    return patch(
      kubectl,
      target,
      { spec: { template: { metadata: { annotations } } } },
      "restarted",
    );
  },
  pause: (kubectl, target) => patch(kubectl, target, { spec: { paused: true } }, "paused"),
  resume: (kubectl, target) => patch(kubectl, target, { spec: { paused: null } }, "resumed"),
};

export const rollout = defineCommand({
  name: "rollout",
  summary: "Watch, undo, restart, pause or resume a deployment's rollout",
  usage: `rollout (${Object.keys(actions).join(" | ")}) (TYPE NAME | TYPE/NAME | -f FILE)`,
  flags,
  run: async (kubectl, { flags: given, args }) => {
    const [word = "", ...rest] = args;
    const action = actions[word];
    if (action === undefined) {
      throw new UsageError(
        `unknown command "rollout ${word}"; there are ${Object.keys(actions).join(", ")}`,
      );
    }
    const targets = await chooseObjects(kubectl, rest, {
      ...given,
      all: false,
      allNamespaces: false,
    });
    let code = 0;
    for (const target of targets) {
      if (!isDeployment(target)) {
        throw new UsageError(
          `no rollout ${word} for ${qualifiedKind(target.resource)}: only deployments have one`,
        );
      }
      code = Math.max(code, await action(kubectl, target, given));
    }
    return code;
  },
});
