import type { Lease } from "../../../api/coordination/v1.ts";
import type { Node } from "../../../api/core/v1.ts";
import { leases, nodes, pods } from "../../../api/resources.ts";
import { rfc3339 } from "../../base/clock.ts";
import {
  done,
  reads,
  requeueAfter,
  type Context,
  type Definition,
  type Program,
  type Result,
} from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import { isReason } from "../../machinery/status-error.ts";
import { isPodReady, nodeNameOf, podsByNodeIndex, withPodCondition } from "../pod-facts.ts";
import {
  disruptionOf,
  evictingTaint,
  graceMs,
  nodeCondition,
  silentConditions,
  wantedTaints,
  zoneOf,
} from "./plan.ts";

const leaseNamespace = "kube-node-lease";
/** How soon a node that may not be tainted yet is looked at again. */
const paceCheckMs = 5_000;

const name = "node-lifecycle";
const account = "node-controller";
const writes = ["Node/status", "Node/taints", "Pod/readiness"] as const;

/** Judges nodes by their leases and heartbeats, and taints those that are lost. */
export const nodeLifecycleController: Program = {
  name,
  account,
  writes,
  // What was seen of nodes is only worth something within one run: see LastWords.
  run: (doors, signal) => defineController(definition()).run(doors, signal),
};

function definition(): Definition<Node> {
  const words = new LastWords();
  const pace = new EvictionPace();
  return {
    name,
    account,
    eventSource: "node-controller",
    reconciles: nodes,
    reads: [
      reads(leases, ({ metadata }: Lease) =>
        metadata?.namespace === leaseNamespace ? [metadata.name ?? ""] : [],
      ),
      reads(pods, () => [], { [podsByNodeIndex]: nodeNameOf }),
    ],
    writes,
    reconcile: (node, context, signal) => judge(node, { words, pace }, context, signal),
    gone: async (key) => words.forget(key),
  };
}

/** When each node was last heard, by this process's own clock: clocks of nodes may be wrong. */
class LastWords {
  readonly #heard = new Map<string, { readonly word: string; readonly atMs: number }>();
  #wasTotal = false;

  /** Milliseconds of silence. What was said before we listened counts as said just now. */
  silentMs(key: string, word: string, nowMs: number): number {
    const known = this.#heard.get(key);
    if (known?.word === word) return nowMs - known.atMs;
    this.#heard.set(key, { word, atMs: nowMs });
    return 0;
  }
  forget(key: string): void {
    this.#heard.delete(key);
  }
  /** After all nodes were lost at once, each gets a new chance to be heard. */
  afterDisruption(isTotal: boolean): void {
    if (this.#wasTotal && !isTotal) this.#heard.clear();
    this.#wasTotal = isTotal;
  }
}

/** Lets so many nodes of a zone be tainted in a second. */
class EvictionPace {
  readonly #nextMs = new Map<string, number>();
  allows(zone: string, perSecond: number, nowMs: number): boolean {
    if (perSecond === 0 || nowMs < (this.#nextMs.get(zone) ?? 0)) return false;
    this.#nextMs.set(zone, nowMs + 1_000 / perSecond);
    return true;
  }
}

interface Memory {
  readonly words: LastWords;
  readonly pace: EvictionPace;
}

async function judge(
  node: Node,
  { words, pace }: Memory,
  context: Context,
  signal: AbortSignal,
): Promise<Result> {
  const key = node.metadata?.name ?? "";
  const { clock } = context;
  const disruption = disruptionOf(context.informer(nodes).list());
  words.afterDisruption(disruption.isTotal);
  const lease = context.informer(leases).get(`${leaseNamespace}/${key}`);
  const heartbeat = nodeCondition(node, "Ready")?.lastHeartbeatTime ?? "";
  const word = `${heartbeat} ${lease?.spec?.renewTime ?? ""}`;
  const silentMs = words.silentMs(key, word, clock.monotonic());
  const graceLeft = graceMs(node) - silentMs;
  let current = node;
  if (graceLeft <= 0) {
    if (await isHeardElsewhere(key, lease, context, signal)) return requeueAfter(paceCheckMs);
    current = await silence(node, context, signal);
  }
  const isTainted = (current.spec?.taints ?? []).some(
    ({ key: taint, effect }) => effect === "NoExecute" && taint === evictingTaint(current),
  );
  const mayEvict =
    evictingTaint(current) !== undefined &&
    !isTainted &&
    pace.allows(zoneOf(current), disruption.rates.get(zoneOf(current)) ?? 0, clock.monotonic());
  const rule = { mayEvict, mustSpare: disruption.isTotal, nowMs: clock.now() };
  const taints = wantedTaints(current, rule);
  if (taints !== current.spec?.taints && taints.length + (current.spec?.taints?.length ?? 0) > 0)
    await setTaints(current, taints, context, signal);
  // A kubelet that says itself that it is not ready goes on to speak for its pods.
  if (nodeCondition(current, "Ready")?.status === "Unknown")
    await markPods(current, context, signal);
  const waitsForTaint = evictingTaint(current) !== undefined && !isTainted && !mayEvict;
  if (waitsForTaint) return requeueAfter(paceCheckMs);
  return graceLeft > 0 ? requeueAfter(graceLeft + 1) : done;
}

/** The cache may be behind: before a node is given up, its lease is asked for at the source. */
async function isHeardElsewhere(
  nodeName: string,
  seen: Lease | undefined,
  { client }: Context,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const key = { namespace: leaseNamespace, name: nodeName };
    const lease = await client.resource(leases).get(key, signal);
    return lease.spec?.renewTime !== seen?.spec?.renewTime;
  } catch (error) {
    if (isReason(error, "NotFound")) return false;
    throw error;
  }
}

/** Says on the Node that nobody has heard of it; the Node as it is then. */
async function silence(node: Node, context: Context, signal: AbortSignal): Promise<Node> {
  if (nodeCondition(node, "Ready")?.status === "Unknown") return node;
  const conditions = silentConditions(node, context.clock.now());
  const { name: nodeName = "", resourceVersion } = node.metadata ?? {};
  const body = { metadata: { resourceVersion }, status: { conditions } };
  const written = await context.client
    .resource(nodes)
    .patch({ name: nodeName }, { type: "merge", body }, { subresource: "status" }, signal);
  const message = `Node ${nodeName} status is now: NodeNotReady`;
  context.events.record({ ref: nodes, object: node }, "Normal", "NodeNotReady", message);
  return written;
}

async function setTaints(
  node: Node,
  taints: Exclude<Exclude<Node["spec"], undefined>["taints"], undefined>,
  { client }: Context,
  signal: AbortSignal,
): Promise<void> {
  const { name: nodeName = "", resourceVersion } = node.metadata ?? {};
  const body = { metadata: { resourceVersion }, spec: { taints } };
  await client.resource(nodes).patch({ name: nodeName }, { type: "merge", body }, {}, signal);
}

/** Pods of a lost node are not ready, whatever they last said: Services must not send to them. */
async function markPods(node: Node, context: Context, signal: AbortSignal): Promise<void> {
  const now = rfc3339(context.clock.now());
  const onNode = context.informer(pods).byIndex(podsByNodeIndex, node.metadata?.name ?? "");
  for (const pod of onNode.filter(isPodReady)) {
    const { name: podName = "", namespace = "", uid } = pod.metadata ?? {};
    const conditions = withPodCondition(pod, { type: "Ready", status: "False" }, now);
    const body = { metadata: { uid }, status: { conditions } };
    const options = { subresource: "status" };
    await context.client
      .resource(pods)
      .patch({ namespace, name: podName }, { type: "merge", body }, options, signal)
      .catch((error: unknown) => {
        if (!isReason(error, "NotFound", "Conflict")) throw error;
      });
    const subject = { ref: pods, object: pod };
    context.events.record(subject, "Warning", "NodeNotReady", "Node is not ready");
  }
}
