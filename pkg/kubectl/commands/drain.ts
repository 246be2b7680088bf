import type { Pod } from "../../../api/core/v1.ts";
import type { Flags } from "../../base/flags.ts";
import { durationMs } from "../../base/duration.ts";
import { isReason } from "../../machinery/status-error.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { planDrain } from "../drain-plan.ts";
import { eachOf, ManyFailures } from "../failures.ts";
import { chainOf } from "../../base/errors.ts";
import { chooseNodes } from "../node-args.ts";
import type { ObjectTarget } from "../object-args.ts";
import { pathOf, type ApiResource } from "../resource-mapper.ts";
import { waitGone } from "../wait-gone.ts";
import { dryRunMark } from "../write-request.ts";
import { cordonNode } from "./cordon.ts";

const flags = {
  selector: { short: "l", kind: "text", help: "Label selector of nodes" },
  "pod-selector": { kind: "text", help: "Only pods with these labels" },
  force: { kind: "bool", help: "Also pods that no controller replaces" },
  "ignore-daemonsets": { kind: "bool", help: "Leave pods of DaemonSets where they are" },
  "delete-emptydir-data": { kind: "bool", help: "Also pods whose emptyDir volumes are lost" },
  "grace-period": { kind: "number", help: "Seconds to end in peace; -1: the pod's own" },
  timeout: { kind: "text", help: "How long to wait, as 30s or 2m; 0: without an end" },
  "disable-eviction": { kind: "bool", help: "Delete, whatever disruption budgets say" },
  "dry-run": { kind: "text", alone: "client", help: "none, client or server" },
} as const;
type DrainGiven = Flags<typeof flags>;

/** A disruption budget says no for now: upstream asks again after as long. */
const budgetRetryMs = 5_000;

async function podsOf(
  { api }: Kubectl,
  pods: ApiResource,
  node: string,
  labelSelector: string | undefined,
): Promise<readonly Pod[]> {
  const query = new URLSearchParams({ fieldSelector: `spec.nodeName=${node}` });
  if (labelSelector !== undefined) query.set("labelSelector", labelSelector);
  const path = `${pathOf(pods)}?${query}`;
  return (await api.send<{ readonly items?: readonly Pod[] }>({ method: "GET", path })).items ?? [];
}

interface Removal extends ObjectTarget {
  readonly uid: string | undefined;
}

const removalOf = (pods: ApiResource, { metadata }: Pod): Removal => {
  const { namespace = "", name = "", uid } = metadata ?? {};
  return { resource: pods, namespace, name, uid, path: pathOf(pods, { namespace, name }) };
};

/** Asks until it is allowed; a pod that is gone already is fine. */
async function removePod(
  kubectl: Kubectl,
  pod: Removal,
  given: DrainGiven,
  signal: AbortSignal,
): Promise<void> {
  const grace = given["grace-period"] ?? -1;
  const options = {
    ...(grace >= 0 ? { gracePeriodSeconds: grace } : {}),
    ...(given["dry-run"] === "server" ? { dryRun: ["All"] } : {}),
  };
  const { name, namespace, path } = pod;
  const send = (): Promise<unknown> =>
    given["disable-eviction"]
      ? kubectl.api.send({ method: "DELETE", path, body: options }, signal)
      : kubectl.api.send(
          {
            method: "POST",
            path: `${path}/eviction`,
            body: {
              apiVersion: "policy/v1",
              kind: "Eviction",
              metadata: { name, namespace },
              deleteOptions: options,
            },
          },
          signal,
        );
  for (;;) {
    try {
      await send();
      return;
    } catch (error) {
      if (isReason(error, "NotFound")) return;
      if (!isReason(error, "TooManyRequests")) throw error;
      const why = error instanceof Error ? error.message : "";
      kubectl.terminal.err(
        `error when evicting pods/"${name}" -n "${namespace}" (will retry after 5s): ${why}\n`,
      );
      await kubectl.clock.sleep(budgetRetryMs, signal);
    }
  }
}

async function removeAll(
  kubectl: Kubectl,
  removals: readonly Removal[],
  given: DrainGiven,
  signal: AbortSignal,
): Promise<void> {
  const { terminal } = kubectl;
  const dryRun = given["dry-run"];
  const [doing, done] = given["disable-eviction"]
    ? ["deleting", "deleted"]
    : ["evicting", "evicted"];
  const one = async (pod: Removal): Promise<void> => {
    if (dryRun === "client") return;
    await removePod(kubectl, pod, given, signal);
    if (dryRun === undefined || dryRun === "none") {
      await waitGone(kubectl, pod, pod.uid, signal);
      terminal.out(`pod/${pod.name} ${done}\n`);
    }
  };
  for (const { namespace, name } of removals) {
    terminal.out(`${doing} pod ${namespace}/${name}${dryRunMark(dryRun)}\n`);
  }
  const results = await Promise.allSettled(removals.map(one));
  const errors = results.flatMap((one_) => (one_.status === "rejected" ? [one_.reason] : []));
  if (errors.length > 0) throw new ManyFailures(errors);
}

/** Why a node could not be drained, each reason on its own. */
class Undrained extends Error {
  override readonly name = "Undrained";
  readonly reasons: readonly string[];
  constructor(reasons: readonly string[]) {
    super(reasons.join("; "));
    this.reasons = reasons;
  }
}

const reasonsOf = (error: unknown): readonly string[] =>
  error instanceof ManyFailures ? error.errors.map(chainOf) : [chainOf(error)];

async function drainNode(
  kubectl: Kubectl,
  node: ObjectTarget,
  pods: ApiResource,
  given: DrainGiven,
): Promise<void> {
  const all = await podsOf(kubectl, pods, node.name, given["pod-selector"]);
  const plan = planDrain(all, given);
  if (plan.refusals.length > 0) throw new Undrained(plan.refusals);
  const { terminal, clock, signal } = kubectl;
  if (plan.warnings.length > 0) terminal.err(`Warning: ${plan.warnings.join("; ")}\n`);
  const timeoutMs = durationMs(given.timeout ?? "0");
  const overdue = new AbortController();
  using _alarm = timeoutMs === 0 ? undefined : clock.after(timeoutMs, () => overdue.abort());
  const removals = plan.remove.map((pod) => removalOf(pods, pod));
  const life = AbortSignal.any([signal, overdue.signal]);
  await removeAll(kubectl, removals, given, life).catch((error: unknown) => {
    if (!overdue.signal.aborted) throw error;
    throw new Undrained([`global timeout reached: ${given.timeout}`]);
  });
  terminal.out(`node/${node.name} drained${dryRunMark(given["dry-run"])}\n`);
}

export const drain = defineCommand({
  usage: "drain (NODE ... | -l SELECTOR) [--ignore-daemonsets] [--delete-emptydir-data] [--force]",
  flags,
  run: async (kubectl, { flags: given, args }) => {
    const nodes = await chooseNodes(kubectl, args, given.selector);
    const pods = (await kubectl.mapper(["pods"])).byName("pods");
    const cordoning = await eachOf(nodes, (node) =>
      cordonNode(kubectl, node, true, given["dry-run"]),
    );
    if (cordoning !== undefined) throw cordoning;
    const failed = new Map<string, readonly string[]>();
    for (const node of nodes) {
      await drainNode(kubectl, node, pods, given).catch((error: unknown) => {
        kubectl.signal.throwIfAborted();
        const reasons = error instanceof Undrained ? error.reasons : reasonsOf(error);
        const all = reasons.length > 1 ? `[${reasons.join(", ")}]` : reasons.join();
        kubectl.terminal.err(
          `error: unable to drain node "${node.name}" due to error: ${all}, continuing command...\n`,
        );
        failed.set(node.name, reasons);
      });
    }
    if (failed.size === 0) return 0;
    const lines = [
      "There are pending nodes to be drained:",
      ...[...failed.keys()].map((name) => ` ${name}`),
    ];
    kubectl.terminal.err([...lines, ...[...failed.values()].flat(), ""].join("\n"));
    return 1;
  },
});
