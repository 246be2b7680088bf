/**
 * A node without a machine: registers itself, keeps its lease, and says of the pods bound to it
 * what a kubelet would. It takes any Client and any Clock, so that it serves the simulator on
 * simulated time and `tskube up --simulate` on the real one. It runs nothing.
 */
import type { Node, NodeCondition, Pod } from "../../api/core/v1.ts";
import { nodes as nodesRef, pods as podsRef } from "../../api/resources.ts";
import { rfc3339, type Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { Client, Informer, Informers } from "../client/client.ts";
import { keyOf, splitKey } from "../client/informer-store.ts";
import { keepNodeLease } from "../client/leases.ts";
import { WorkQueue } from "../controller/work-queue.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Logger } from "../telemetry/logger.ts";
import { planSimulatedPod, type PodTimes } from "./pod-stages.ts";

export interface SimulatedNodeDoors {
  readonly client: Client;
  /** Shared by all nodes of a process: one watch of pods and one of nodes for all of them. */
  readonly informers: Informers;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** A time between two bounds, drawn for each pod. */
export type Span = readonly [leastMs: number, mostMs: number];

export interface SimulatedNodeOptions {
  readonly name: string;
  /** Tells the addresses of its pods apart from those of other nodes; below 16,384. */
  readonly index: number;
  readonly cpu?: string;
  readonly memory?: string;
  readonly pods?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** From being bound to running: pulling and starting. */
  readonly start?: Span;
  /** From running to ready. */
  readonly ready?: Span;
  /** From being asked to end to being gone. */
  readonly stop?: Span;
}

const defaults = {
  cpu: "8",
  memory: "32Gi",
  pods: 110,
  start: [200, 1_500],
  ready: [50, 500],
  stop: [50, 500],
} as const;

/** How often the node looks whether its status still says what it should. */
const statusCheckMs = 10_000;
/** How often it says so although nothing changed, as kubelet. */
const heartbeatMs = 300_000;
const workers = 4;

/** Not "node": where informers are shared, a controller has an index of that name. */
const podsByNodeIndex = "simulated-node";
const nodeNameOf = ({ spec }: Pod): readonly string[] =>
  (spec?.nodeName ?? "") === "" ? [] : [spec?.nodeName ?? ""];

/** Runs until the signal aborts; then the node falls silent, as a machine that lost its power. */
export async function runSimulatedNode(
  doors: SimulatedNodeDoors,
  options: SimulatedNodeOptions,
  signal: AbortSignal,
): Promise<void> {
  const node = new SimulatedNode(doors, options);
  await node.register(signal);
  if (signal.aborted) return;
  await Promise.all([
    node.keepStatus(signal),
    node.runPods(signal),
    keepNodeLease(doors, { nodeName: options.name, owner: () => node.owner }, signal),
  ]);
}

/** So many nodes, named node-0, node-1 …, each with a client under its own name. */
export async function runSimulatedNodes(
  doors: Omit<SimulatedNodeDoors, "client"> & { readonly clientOf: (node: string) => Client },
  count: number,
  signal: AbortSignal,
): Promise<void> {
  const { clientOf, ...shared } = doors;
  const names = Array.from({ length: count }, (_, index) => `node-${index}`);
  await Promise.all(
    names.map((name, index) =>
      runSimulatedNode({ ...shared, client: clientOf(name) }, { name, index }, signal),
    ),
  );
}

class SimulatedNode {
  readonly #doors: SimulatedNodeDoors;
  readonly #options: SimulatedNodeOptions;
  readonly #pods: Informer<Pod>;
  readonly #nodes: Informer<Node>;
  /** The fake runtime: what it knows of each pod, by uid. */
  readonly #times = new Map<string, PodTimes>();
  readonly #addresses = new Map<string, string>();
  readonly #queue: WorkQueue;
  #lastAddress = 1;
  #uid = "";

  constructor(doors: SimulatedNodeDoors, options: SimulatedNodeOptions) {
    this.#doors = doors;
    this.#options = options;
    const indexes = { [podsByNodeIndex]: nodeNameOf };
    this.#pods = doors.informers.informer(podsRef, { indexes });
    this.#nodes = doors.informers.informer(nodesRef);
    this.#queue = new WorkQueue({ clock: doors.clock });
  }

  get owner() {
    const { name } = this.#options;
    return { apiVersion: "v1", kind: "Node", name, uid: this.#uid };
  }

  /** Creates the Node, or finds its own from an earlier life. Tries until it is there. */
  async register(signal: AbortSignal): Promise<void> {
    const api = this.#doors.client.resource(nodesRef);
    const { name, labels } = this.#options;
    const metadata = {
      name,
      labels: { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", ...labels },
    };
    await Promise.all([this.#nodes.synced, this.#pods.synced]).catch(() => undefined);
    for (let failures = 0; !signal.aborted; failures += 1)
      try {
        const there = this.#nodes.get(name) ?? (await api.create({ metadata }, {}, signal));
        this.#uid = there.metadata?.uid ?? "";
        await this.#writeStatus(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#doors.logger.warn({ node: name, error: chainOf(error) }, "node not registered");
        const waitMs = Math.min(200 * 2 ** failures, 7_000);
        await this.#doors.clock.sleep(waitMs, signal).catch(() => undefined);
      }
  }

  /** Says that it is ready: from time to time, and soon when somebody said otherwise. */
  async keepStatus(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#doors;
    let saidMs = clock.monotonic();
    while (!signal.aborted) {
      await clock.sleep(statusCheckMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const there = this.#nodes.get(this.#options.name);
      const isReady = there?.status?.conditions?.some(
        ({ type, status }) => type === "Ready" && status === "True",
      );
      if (there !== undefined && isReady && clock.monotonic() - saidMs < heartbeatMs) continue;
      try {
        if (there === undefined) await this.register(signal);
        else await this.#writeStatus(signal);
        saidMs = clock.monotonic();
      } catch (error) {
        if (signal.aborted) return;
        const fields = { node: this.#options.name, error: chainOf(error) };
        logger.warn(fields, "node status not written");
      }
    }
  }

  async #writeStatus(signal: AbortSignal): Promise<void> {
    const { name } = this.#options;
    const body = { status: nodeStatus(this.#options, this.#doors.clock.now()) };
    const options = { subresource: "status" };
    await this.#doors.client
      .resource(nodesRef)
      .patch({ name }, { type: "merge", body }, options, signal);
  }

  async runPods(signal: AbortSignal): Promise<void> {
    const { name } = this.#options;
    await this.#pods.synced;
    using _listening = this.#pods.onChange((now, before) => {
      const pod = now ?? before;
      if (pod === undefined || pod.spec?.nodeName !== name) return;
      if (now === undefined || now.metadata?.uid !== before?.metadata?.uid)
        this.#forget(before?.metadata?.uid ?? "");
      if (now !== undefined) this.#queue.add(keyOf(now));
    });
    for (const pod of this.#pods.byIndex(podsByNodeIndex, name)) this.#queue.add(keyOf(pod));
    const close = (): void => this.#queue.close();
    signal.addEventListener("abort", close, { once: true });
    if (signal.aborted) close();
    await Promise.all(Array.from({ length: workers }, () => this.#work(signal)));
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      const key = await this.#queue.take();
      if (key === undefined) return;
      try {
        await this.#sync(key, signal);
        this.#queue.forget(key);
      } catch (error) {
        if (!signal.aborted) this.#retry(key, error);
      }
      this.#queue.done(key);
    }
  }

  #retry(key: string, error: unknown): void {
    this.#queue.retry(key);
    if (isReason(error, "Conflict")) return; // somebody wrote first: the newer pod is on its way
    const fields = { node: this.#options.name, pod: key, error: chainOf(error) };
    this.#doors.logger.warn(fields, "simulated pod not synced");
  }

  async #sync(key: string, signal: AbortSignal): Promise<void> {
    const pod = this.#pods.get(key);
    const { phase } = pod?.status ?? {};
    if (pod === undefined || pod.spec?.nodeName !== this.#options.name) return;
    const isOver = phase === "Succeeded" || phase === "Failed";
    const isEnding = pod.metadata?.deletionTimestamp !== undefined;
    if (isOver && !isEnding) return;
    const nowMs = this.#doors.clock.now();
    const place = { hostIP: hostIp(this.#options.index), podIP: this.#addressOf(pod) };
    const { step, nextMs } = planSimulatedPod(pod, this.#timesOf(pod, nowMs), place, nowMs);
    const api = this.#doors.client.resource(podsRef);
    if (step.do === "write")
      await api.update({ ...pod, status: step.status }, { subresource: "status" }, signal);
    if (step.do === "remove") {
      const { uid } = pod.metadata ?? {};
      const preconditions = uid === undefined ? {} : { preconditions: { uid } };
      const podKey = { namespace: "", ...splitKey(key) };
      await api
        .delete(podKey, { gracePeriodSeconds: 0, ...preconditions }, signal)
        .catch((error: unknown) => {
          if (!isReason(error, "NotFound")) throw error;
        });
    }
    if (nextMs !== undefined) this.#queue.addAfter(key, Math.max(1, nextMs - nowMs));
  }

  #timesOf(pod: Pod, nowMs: number): PodTimes {
    const uid = pod.metadata?.uid ?? "";
    const options = { ...defaults, ...this.#options };
    let times = this.#times.get(uid);
    if (times === undefined) {
      const runningMs = nowMs + this.#draw(options.start);
      times = { seenMs: nowMs, runningMs, readyMs: runningMs + this.#draw(options.ready) };
    }
    if (pod.metadata?.deletionTimestamp !== undefined && times.endedMs === undefined)
      times = { ...times, endedMs: nowMs + this.#draw(options.stop) };
    this.#times.set(uid, times);
    return times;
  }

  #addressOf(pod: Pod): string {
    const uid = pod.metadata?.uid ?? "";
    const known = this.#addresses.get(uid);
    if (known !== undefined) return known;
    // 2 to 254 of the node's own /24, around and around: a node has fewer pods than that.
    this.#lastAddress = this.#lastAddress >= 254 ? 2 : this.#lastAddress + 1;
    const { index } = this.#options;
    const address = `10.${64 + Math.floor(index / 256)}.${index % 256}.${this.#lastAddress}`;
    this.#addresses.set(uid, address);
    return address;
  }

  #forget(uid: string): void {
    this.#times.delete(uid);
    this.#addresses.delete(uid);
  }

  #draw([least, most]: Span): number {
    return Math.round(least + this.#doors.random.fraction() * (most - least));
  }
}

const hostIp = (index: number): string => `10.0.${Math.floor(index / 250)}.${(index % 250) + 1}`;

function nodeStatus(options: SimulatedNodeOptions, nowMs: number) {
  const { cpu, memory, pods, name, index } = { ...defaults, ...options };
  const now = rfc3339(nowMs);
  const condition = (type: string, status: string, reason: string): NodeCondition => ({
    type,
    status,
    reason,
    message: "simulated",
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  });
  const capacity = { cpu, memory, pods: String(pods) };
  return {
    capacity,
    allocatable: capacity,
    conditions: [
      condition("MemoryPressure", "False", "KubeletHasSufficientMemory"),
      condition("DiskPressure", "False", "KubeletHasNoDiskPressure"),
      condition("PIDPressure", "False", "KubeletHasSufficientPID"),
      condition("Ready", "True", "KubeletReady"),
    ],
    addresses: [
      { type: "InternalIP", address: hostIp(index) },
      { type: "Hostname", address: name },
    ],
    nodeInfo: {
      machineID: name,
      systemUUID: name,
      bootID: name,
      kernelVersion: "simulated",
      osImage: "simulated",
      containerRuntimeVersion: "simulated://1",
      kubeletVersion: "v1.37.0",
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: "amd64",
    },
  };
}
