import type { ContainerImage, Node, NodeSpec, NodeStatus } from "../../../api/core/v1.ts";
import type { CriService } from "../../../api/cri/v1.ts";
import { nodes as nodesRef } from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import { chainOf } from "../../base/errors.ts";
import type { Client } from "../../client/client.ts";
import { keepNodeLease } from "../../client/leases.ts";
import { isReason } from "../../machinery/status-error.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { same } from "../status/status-patch.ts";
import { nodeLabels, nodeObject, nodeStatus, type NodeFacts } from "./node-object.ts";

export interface NodeKeeperOptions {
  readonly client: Client;
  readonly cri: CriService;
  readonly clock: Clock;
  readonly logger: Logger;
  /** What does not change while the kubelet runs. */
  readonly facts: Omit<
    NodeFacts,
    | "readings"
    | "nowMs"
    | "runtimeVersion"
    | "runtimeProblem"
    | "runtimeHandlers"
    | "images"
    | "before"
  >;
}

/** How often the machine is looked at; what has changed is told at once. */
const readMs = 10_000;
/** What has not changed is told this often: the lease is the node's pulse, not its status. */
const heartbeatMs = 300_000;
const retryMs = 500;
/** Images that are told of; the largest first. */
const imagesMax = 50;

/** Keeps this machine's Node object: registers it, tells its status, renews its lease. */
export class NodeKeeper {
  readonly #options: NodeKeeperOptions;
  #node: Node | undefined;
  #told: NodeStatus | undefined;
  #toldAtMs = 0;
  #wake: (() => void) | undefined;
  readonly #registered = Promise.withResolvers<void>();

  constructor(options: NodeKeeperOptions) {
    this.#options = options;
  }

  /** As registered; undefined before. */
  get node(): Node | undefined {
    return this.#node;
  }

  /** Resolves when there is a `node`. */
  get registered(): Promise<void> {
    return this.#registered.promise;
  }

  /** Looks at the machine and the runtime at once. */
  refresh(): void {
    this.#wake?.();
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, clock, logger } = this.#options;
    const { nodeName } = this.#options.facts;
    await this.#register(signal);
    const owner = (): { apiVersion: string; kind: string; name: string; uid: string } => ({
      apiVersion: "v1",
      kind: "Node",
      name: nodeName,
      uid: this.#node?.metadata?.uid ?? "",
    });
    await Promise.all([
      keepNodeLease({ client, clock, logger }, { nodeName, owner }, signal),
      this.#keepStatus(signal),
    ]);
  }

  async #register(signal: AbortSignal): Promise<void> {
    const { client, clock, logger, facts } = this.#options;
    const api = client.resource(nodesRef);
    while (!signal.aborted)
      try {
        const wanted = nodeObject(await this.#facts([]));
        const range = await this.#rangeOfBefore(signal);
        try {
          const object = { ...wanted, spec: { ...wanted.spec, ...range } };
          this.#node = await api.create(object, {}, signal);
          this.#told = wanted.status;
          this.#toldAtMs = clock.now();
        } catch (error) {
          if (!isReason(error, "AlreadyExists")) throw error;
          const body = { metadata: { labels: nodeLabels(facts) } };
          const key = { name: facts.nodeName };
          this.#node = await api.patch(key, { type: "strategic", body }, {}, signal);
        }
        logger.info({ node: facts.nodeName }, "node registered");
        this.#registered.resolve();
        return;
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ error: chainOf(error) }, "the node could not be registered");
        await clock.sleep(retryMs, signal).catch(() => undefined);
      }
  }

  /**
   * A node that somebody deletes while its kubelet runs is registered again (upstream's is not
   * before the kubelet's next start). Its pods run on, with the addresses that they have: so it
   * asks for its range again, unless another node has got it meanwhile.
   */
  async #rangeOfBefore(signal: AbortSignal): Promise<Pick<NodeSpec, "podCIDR" | "podCIDRs">> {
    const { client, facts } = this.#options;
    const { podCIDR, podCIDRs = [] } = this.#node?.spec ?? {};
    if (podCIDR === undefined) return {};
    const others = await client
      .resource(nodesRef)
      .list({}, signal)
      .then(({ items }) => items.filter(({ metadata }) => metadata?.name !== facts.nodeName))
      .catch((error: unknown) => {
        // A node that may not see the others can have none whose pods it must reach.
        if (isReason(error, "Forbidden")) return [];
        throw error;
      });
    const isTaken = others.some(({ spec }) => spec?.podCIDR === podCIDR);
    return isTaken ? {} : { podCIDR, podCIDRs };
  }

  async #keepStatus(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    while (!signal.aborted) {
      // Before the look: what changes during it counts.
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      await this.#tell(signal).catch((error: unknown) => {
        if (isReason(error, "NotFound")) return this.#register(signal);
        if (!signal.aborted)
          logger.warn({ error: chainOf(error) }, "the node's status could not be written");
        return undefined;
      });
      // A node that is not ready yet looks again soon: pods wait for it.
      const isReady = this.#told?.conditions?.every(
        ({ type, status }) => type !== "Ready" || status === "True",
      );
      const wait = AbortSignal.any([signal, woken.signal]);
      await clock.sleep(isReady === true ? readMs : retryMs, wait).catch(() => undefined);
    }
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { client, clock, facts } = this.#options;
    const api = client.resource(nodesRef);
    const key = { name: facts.nodeName };
    const node = await api.get(key, signal);
    const told = isOverruled(node, this.#told) ? undefined : this.#told;
    const before = told ?? node.status;
    const status = nodeStatus(await this.#facts(before?.conditions ?? []));
    const isOld = clock.now() - this.#toldAtMs >= heartbeatMs;
    if (!isOld && told !== undefined && same(timeless(status), timeless(told))) return;
    const addresses = [...(status.addresses ?? []), replaceList];
    const body = { status: { ...status, addresses } };
    const options = { subresource: "status" };
    this.#node = await api.patch(key, { type: "strategic", body }, options, signal);
    this.#told = status;
    this.#toldAtMs = clock.now();
  }

  async #facts(before: NodeFacts["before"]): Promise<NodeFacts> {
    const { facts, cri, clock } = this.#options;
    const [readings, runtime, images] = await Promise.all([
      facts.machine.read(),
      this.#runtime(),
      listImages(cri),
    ]);
    return { ...facts, ...runtime, readings, images, nowMs: clock.now(), before };
  }

  async #runtime(): Promise<
    Pick<NodeFacts, "runtimeVersion" | "runtimeProblem" | "runtimeHandlers">
  > {
    const { cri } = this.#options;
    try {
      const [version, answer] = await Promise.all([cri.version({}), cri.status({})]);
      const { status, runtimeHandlers = [] } = answer;
      const bad = (status?.conditions ?? []).filter((condition) => condition.status !== true);
      const problem = bad.map(
        ({ type, reason, message }) =>
          `container runtime not ready: ${type ?? ""}=false ` +
          `reason:${reason ?? ""} message:${message ?? ""}`,
      );
      return {
        runtimeVersion: `${version.runtimeName ?? "unknown"}://${version.runtimeVersion ?? ""}`,
        runtimeProblem: problem.length === 0 ? undefined : problem.join(", "),
        runtimeHandlers: runtimeHandlers.map(({ name = "", features }) => ({
          name,
          features: {
            recursiveReadOnlyMounts: features?.recursiveReadOnlyMounts ?? false,
            userNamespaces: features?.userNamespaces ?? false,
          },
        })),
      };
    } catch (error) {
      const runtimeProblem = `container runtime is down: ${chainOf(error)}`;
      return { runtimeVersion: "unknown://unknown", runtimeProblem, runtimeHandlers: [] };
    }
  }
}

/** Who did not hear from this node has written what it supposes: it must be told anew. */
function isOverruled(node: Node, told: NodeStatus | undefined): boolean {
  const known = new Map(node.status?.conditions?.map(({ type, status }) => [type, status]));
  return (told?.conditions ?? []).some(({ type, status }) => known.get(type) !== status);
}

const replaceList = { $patch: "replace" };

/** Without what changes at every look. */
const timeless = (status: NodeStatus): NodeStatus => ({
  ...status,
  conditions: (status.conditions ?? []).map(({ lastHeartbeatTime: _at, ...rest }) => rest),
});

async function listImages(cri: CriService): Promise<readonly ContainerImage[]> {
  const { images = [] } = await cri.listImages({}).catch(() => ({ images: [] }));
  return images
    .map(({ repoTags = [], repoDigests = [], size = 0n }) => ({
      names: [...repoDigests, ...repoTags],
      sizeBytes: Number(size),
    }))
    .filter(({ names }) => names.length > 0)
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, imagesMax);
}
