import type { Lease } from "../../../api/coordination/v1.ts";
import type { Node, Taint } from "../../../api/core/v1.ts";
import { leases, nodes, pods } from "../../../api/resources.ts";
import { chainOf } from "../../base/errors.ts";
import {
  reads,
  requeueAfter,
  type Context,
  type Definition,
  type Program,
  type Result,
} from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import { isReason } from "../../machinery/status-error.ts";
import { nodeNameOf, podsByNodeIndex } from "../pod-facts.ts";
import { EvictionPace } from "./eviction-pace.ts";
import { LastWords, quietMs } from "./last-words.ts";
import { markPods } from "./mark-pods.ts";
import {
  areTaintsRight,
  disruptionOf,
  evictingTaint,
  graceMs,
  isNodeReady,
  isSilenced,
  limits,
  noTaints,
  nodeCondition,
  silentConditions,
  wantedTaints,
  zoneOf,
  type Disruption,
} from "./plan.ts";

const leaseNamespace = "kube-node-lease";
/**
 * How soon a node that is not ready is looked at again: whether it may be evicted depends on how
 * the others are. The moment at which a node is given up never waits for this.
 */
const lookAroundMs = 5_000;

const name = "node-lifecycle";
const account = "node-controller";
const writes = ["Node/status", "Node/taints", "Pod/readiness"] as const;

export interface NodeLifecycleSettings {
  /** See limits.monitorGraceMs, which it is unless told. */
  readonly monitorGraceMs?: number;
}

/** Judges nodes by their leases and heartbeats, and taints those that are lost. */
export const nodeLifecycleController = (settings: NodeLifecycleSettings = {}): Program => ({
  name,
  account,
  writes,
  // What was seen of nodes is only worth something within one run: see LastWords.
  run: (doors, signal) => defineController(definition(settings)).run(doors, signal),
});

function definition({ monitorGraceMs }: NodeLifecycleSettings): Definition<Node> {
  const memory: Memory = {
    words: new LastWords(),
    pace: new EvictionPace(),
    monitorGraceMs: monitorGraceMs ?? limits.monitorGraceMs,
    wasTotal: false,
  };
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
    reconcile: (node, context, signal) => judge(node, memory, context, signal),
    gone: async (key) => memory.words.forget(key),
  };
}

interface Memory {
  readonly words: LastWords;
  readonly pace: EvictionPace;
  readonly monitorGraceMs: number;
  /** Whether all nodes were lost when somebody last looked. */
  wasTotal: boolean;
}

/**
 * Each node has one timer, which ends when its grace would be over; a new word of the node moves
 * that. Nothing here looks at nodes in turns: a silent node is judged at its own moment.
 */
async function judge(
  node: Node,
  memory: Memory,
  context: Context,
  signal: AbortSignal,
): Promise<Result> {
  const leftMs = graceLeftMs(node, memory, context);
  const nowMs = context.clock.now();
  if (leftMs > 0 && isNodeReady(node) && areTaintsRight(node, nowMs)) return requeueAfter(leftMs);
  const mustSilence = leftMs <= 0 && !isSilenced(node);
  const doubtMs = mustSilence ? await doubt(node, memory, context, signal) : 0;
  if (doubtMs > 0) return requeueAfter(doubtMs);
  const isBack = leftMs > 0 && memory.words.hasSpoken(node.metadata?.name ?? "");
  const current = mustSilence ? await silence(node, context, signal) : node;
  const disruption = lookAround(memory, context);
  const [waitMs] = await Promise.all([
    taint(current, disruption, memory, context, signal),
    // A kubelet that is heard goes on to speak for its pods, whatever it says of its node.
    ...(isSilenced(current) && !isBack ? [markPods(current, context, signal)] : []),
  ]);
  const waits = [leftMs, waitMs ?? 0, isNodeReady(current) ? 0 : lookAroundMs];
  return requeueAfter(Math.min(...waits.filter((ms) => ms > 0)));
}

/** Milliseconds until the node has been silent for too long. */
function graceLeftMs(node: Node, { words, monitorGraceMs }: Memory, context: Context): number {
  const key = node.metadata?.name ?? "";
  const seen = context.informer(leases);
  const nowMs = context.clock.monotonic();
  words.hear(key, wordOf(node, seen.get(`${leaseNamespace}/${key}`)), nowMs);
  const sinceMs = words.silentSinceMs(key, nowMs);
  return Math.max(0, sinceMs + graceMs(node, monitorGraceMs) - nowMs);
}

const wordOf = (node: Node, lease: Lease | undefined): string =>
  `${nodeCondition(node, "Ready")?.lastHeartbeatTime ?? ""} ${lease?.spec?.renewTime ?? ""}`;

/**
 * Milliseconds to wait before the node is judged after all; 0: it is lost. The cache may be behind,
 * so its lease is asked for at the source. If that cannot be asked, it is we who are cut off, and
 * no silence until now counts. If nobody else was heard either, they get as much time as is quiet:
 * marking all pods of a cluster unready costs all its Services, and helps nobody.
 */
async function doubt(
  node: Node,
  { words, monitorGraceMs }: Memory,
  context: Context,
  signal: AbortSignal,
): Promise<number> {
  const { client, clock, logger } = context;
  const nodeName = node.metadata?.name ?? "";
  const seen = context.informer(leases).get(`${leaseNamespace}/${nodeName}`);
  try {
    const key = { namespace: leaseNamespace, name: nodeName };
    const lease = await client.resource(leases).get(key, signal);
    words.hear(nodeName, wordOf(node, lease), clock.monotonic());
    if (lease.spec?.renewTime !== seen?.spec?.renewTime) return monitorGraceMs;
  } catch (error) {
    signal.throwIfAborted();
    if (!isReason(error, "NotFound")) {
      words.listenAnew(clock.monotonic());
      logger.warn({ node: nodeName, error: chainOf(error) }, "no node is judged: cannot ask");
      return monitorGraceMs;
    }
  }
  const nowMs = clock.monotonic();
  const isOver = words.quietForMs(nowMs) >= monitorGraceMs + quietMs;
  return words.isQuiet(nowMs) && !isOver ? lookAroundMs : 0;
}

/** Says on the Node that nobody has heard of it; the Node as it is then. */
async function silence(node: Node, context: Context, signal: AbortSignal): Promise<Node> {
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

/** How the nodes are taken together. When none is heard, nobody is driven away: all may be lost. */
function lookAround(memory: Memory, context: Context): Disruption {
  const { isTotal, rates } = disruptionOf(context.informer(nodes).list());
  const nowMs = context.clock.monotonic();
  if (memory.wasTotal && !isTotal) memory.words.listenAnew(nowMs);
  memory.wasTotal = isTotal;
  return { isTotal: isTotal || memory.words.isQuiet(nowMs), rates };
}

/** Brings the node's taints to what it calls for; milliseconds until that can go on, if at all. */
async function taint(
  node: Node,
  { isTotal, rates }: Disruption,
  { pace }: Memory,
  { client, clock }: Context,
  signal: AbortSignal,
): Promise<number | undefined> {
  const wanted = evictingTaint(node);
  const present = node.spec?.taints ?? noTaints;
  const isTainted = present.some(({ key, effect }) => effect === "NoExecute" && key === wanted);
  const asks = wanted !== undefined && !isTainted && !isTotal;
  const zone = zoneOf(node);
  const waitMs = asks ? pace.take(zone, rates.get(zone) ?? 0, clock.monotonic()) : undefined;
  const rule = { mayEvict: waitMs === 0, mustSpare: isTotal, nowMs: clock.now() };
  const taints: readonly Taint[] = wantedTaints(node, rule);
  if (taints !== present) {
    const { name: nodeName = "", resourceVersion } = node.metadata ?? {};
    const body = { metadata: { resourceVersion }, spec: { taints } };
    await client.resource(nodes).patch({ name: nodeName }, { type: "merge", body }, {}, signal);
  }
  return waitMs;
}
