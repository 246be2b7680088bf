/**
 * The node's agent: runs the pods that are bound to this node, or that lie in its manifests, on a
 * container runtime, and tells the API server how they fare. It reaches containers only through
 * the CRI and the pods' own addresses; it never makes a system call, and keeps no state beside
 * the runtime's and the API server's: killed at any instant it finds everything again.
 */
import type { Pod, Service } from "../../api/core/v1.ts";
import type { CriService } from "../../api/cri/v1.ts";
import {
  nodes as nodesRef,
  pods as podsRef,
  services as servicesRef,
} from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Random } from "../base/random.ts";
import type { Handler } from "../base/wire.ts";
import type { Client, Informer } from "../client/client.ts";
import { createEventRecorder, noEvents, type EventRecorder } from "../client/events.ts";
import { startInformer, withoutManagedFields } from "../client/informer.ts";
import type { UpgradeHandler } from "../serving/server-contract.ts";
import type { Logger } from "../telemetry/logger.ts";
import { clearPod } from "./gc/clear-pod.ts";
import { runHousekeeping } from "./gc/housekeeping.ts";
import { ImagePuller } from "./images/image-puller.ts";
import type { Machine } from "./node/machine.ts";
import { NodeKeeper } from "./node/node-keeper.ts";
import { nodeResources } from "./node/node-object.ts";
import type { PressureThresholds } from "./node/pressure-thresholds.ts";
import { admit } from "./pods/admit.ts";
import { applyMirror, planMirrors } from "./pods/mirror-pods.ts";
import { isOrphan, PodSet } from "./pods/pod-set.ts";
import {
  fullNameOf,
  graceSecondsOf,
  isDeleted,
  isMirror,
  isStatic,
  uidOf,
} from "./pods/pod-spec.ts";
import { followManifests } from "./pods/static-pods.ts";
import type { ProbeNetwork } from "./probes/probe-network.ts";
import { Prober } from "./probes/prober.ts";
import type { NodeSettings } from "./runtime/node-settings.ts";
import type { PodCgroups } from "./runtime/pod-cgroups.ts";
import { RuntimeCache } from "./runtime/runtime-cache.ts";
import { createKubeletHandler, type Authorize } from "./server/kubelet-handler.ts";
import { createUpgradeHandler } from "./server/upgrade.ts";
import { StatusWriter } from "./status/status-writer.ts";
import type { PodFiles } from "./volumes/pod-files.ts";
import { createPodObjects, noObjects, type PodObjects } from "./volumes/pod-objects.ts";
import type { PodContext, PodNote } from "./worker/pod-context.ts";

/** What the API says of this kubelet's version. */
export const kubeletVersion = "v1.37.0";

export interface KubeletOptions {
  readonly nodeName: string;
  /** Absent: standalone, only manifests are run. */
  readonly client?: Client;
  readonly cri: CriService;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly machine: Machine;
  readonly files: PodFiles;
  readonly cgroups: PodCgroups;
  readonly network: ProbeNetwork;
  /** Absent: no static pods. */
  readonly manifestFolder?: string;
  readonly settings: KubeletSettings;
  /** Who may ask the kubelet's own server for what. */
  readonly authorize: Authorize;
}

export interface KubeletSettings {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly hostDns: NodeSettings["hostDns"];
  readonly cgroupRoot: string;
  readonly podLogsPath: string;
  readonly seccompPath: string;
  readonly podsMax: number;
  /** Port of the kubelet's own server, told in the Node's status. */
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly {
    readonly key: string;
    readonly value?: string;
    readonly effect: string;
  }[];
  /** What is kept from pods for the node's own processes. */
  readonly reserved: { readonly cpuMillis: number; readonly memoryBytes: number };
  /** Absent: the usual thresholds of such a machine. */
  readonly pressure?: PressureThresholds;
  /** Processes a pod; absent: no limit. */
  readonly podPidsMax?: number;
}

export interface Kubelet {
  /** Until the signal aborts. Containers go on. */
  run(signal: AbortSignal): Promise<void>;
  /** Something of the machine or the runtime has changed: the node's status is told at once. */
  refresh(): void;
  /** The kubelet's own HTTPS API. */
  readonly handler: Handler;
  /** Its exec, attach and port-forward. */
  readonly upgrade: UpgradeHandler;
  /** Resolves when this node's pods were taken up for the first time. */
  readonly started: Promise<void>;
}

/** Between attempts at a runtime that does not answer yet. */
const runtimeRetryMs = 250;
/** Mirrors are looked at again this often. */
const mirrorMs = 5_000;

class RunningKubelet implements Kubelet {
  readonly handler: Handler;
  readonly upgrade: UpgradeHandler;
  readonly started: Promise<void>;
  readonly #options: KubeletOptions;
  readonly #context: PodContext;
  readonly #pods: PodSet;
  readonly #static = new Map<string, Pod>();
  readonly #setStarted: () => void;
  readonly #stop = new AbortController();
  /** The manifests have been read for the first time. */
  readonly #scanned = Promise.withResolvers<void>();
  #events: EventRecorder = noEvents;
  #writer: StatusWriter | undefined;
  #objects: PodObjects = noObjects;
  #apiPods: Informer<Pod> | undefined;
  #services: Informer<Service> | undefined;
  #keeper: NodeKeeper | undefined;
  #mirroring: Promise<void> = Promise.resolve();

  constructor(options: KubeletOptions) {
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.started = promise;
    this.#setStarted = resolve;
    this.#context = this.#createContext();
    this.#pods = new PodSet({
      context: this.#context,
      admit: (pod, others) => admit(pod, others, this.#context.allocatable()),
      onGone: (pod) => this.#clear(pod),
    });
    const server = {
      pods: this.#pods,
      context: this.#context,
      authorize: options.authorize,
      configuration: options.settings,
      machine: options.machine,
    };
    this.handler = createKubeletHandler(server);
    this.upgrade = createUpgradeHandler(server);
  }

  #createContext(): PodContext {
    const { cri, clock, logger, machine, files, cgroups, network, settings, nodeName } =
      this.#options;
    const runtime = new RuntimeCache({ cri, clock, logger });
    const note = this.#note;
    const { allocatable } = nodeResources({ ...settings, machine });
    const objects: PodObjects = {
      follow: (pod, signal) => this.#objects.follow(pod, signal),
      configMap: (pod, name) => this.#objects.configMap(pod, name),
      secret: (pod, name) => this.#objects.secret(pod, name),
      token: (pod, projection) => this.#objects.token(pod, projection),
      forget: (uid) => this.#objects.forget(uid),
    };
    const prober = new Prober({
      cri,
      network,
      clock,
      onResult: (uid) => this.#pods.wake(uid),
      onUnhealthy: (pod, container, kind, message) => {
        const title = `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`;
        note(pod, "Warning", "Unhealthy", `${title} probe failed: ${message}`, container);
      },
    });
    return {
      cri,
      clock,
      logger,
      settings: {
        ...settings,
        nodeName,
        nodeIPs: machine.addresses,
        hostname: machine.hostname,
        memoryBytes: machine.memoryBytes,
        cpuMillis: machine.cpuMillis,
      },
      allocatable: () => allocatable,
      runtime,
      prober,
      images: new ImagePuller(cri, clock),
      files,
      cgroups,
      objects,
      network,
      services: () => this.#services?.list() ?? [],
      note,
      publish: (pod, status) => {
        const there = isStatic(pod) ? this.#mirrorOf(pod) : pod;
        if (there === undefined || isOrphan(pod) || this.#writer === undefined)
          return Promise.resolve();
        return this.#writer.write(there, status);
      },
    };
  }

  readonly #note: PodNote = (pod, type, reason, message, container) => {
    if (isOrphan(pod)) return;
    const fields = { pod: fullNameOf(pod), reason, container: container?.name };
    this.#options.logger.info(fields, message);
    const inits = pod.spec.initContainers ?? [];
    const group = inits.some(({ name }) => name === container?.name)
      ? "initContainers"
      : "containers";
    const part = container === undefined ? {} : { fieldPath: `spec.${group}{${container.name}}` };
    this.#events.record({ ref: podsRef, object: pod, ...part }, type, reason, message);
  };

  #mirrorOf(pod: Pod): Pod | undefined {
    const mirror = this.#apiPods?.get(fullNameOf(pod));
    return mirror !== undefined && isMirror(mirror) ? mirror : undefined;
  }

  async #clear(pod: Pod): Promise<void> {
    await clearPod(pod, this.#context, this.#options.client, this.#stop.signal);
    this.#writer?.forget(uidOf(pod));
  }

  async run(signal: AbortSignal): Promise<void> {
    const { client, logger, nodeName } = this.#options;
    signal.addEventListener("abort", () => this.#stop.abort(signal.reason), { once: true });
    using _changes = this.#context.runtime.onChange((uid) => this.#pods.wake(uid));
    await this.#reachRuntime(signal);
    const tasks: Promise<unknown>[] = [
      this.#context.runtime.follow(signal),
      this.#followManifests(signal),
      runHousekeeping(
        { context: this.#context, pods: this.#pods, machine: this.#options.machine },
        signal,
      ),
    ];
    if (client === undefined) this.#adopt();
    else tasks.push(this.#followApi(client, signal));
    logger.info({ node: nodeName, standalone: client === undefined }, "kubelet runs");
    await Promise.all(tasks);
    this.#context.prober.stopAll();
    this.#pods.dispose();
  }

  async #reachRuntime(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    for (let tries = 0; !signal.aborted; tries += 1)
      try {
        return await this.#context.runtime.relist(signal);
      } catch (error) {
        const fields = { error: chainOf(error) };
        if (tries % 20 === 0) logger.warn(fields, "the container runtime does not answer");
        await clock.sleep(runtimeRetryMs, signal).catch(() => undefined);
      }
  }

  async #followManifests(signal: AbortSignal): Promise<void> {
    const { manifestFolder, nodeName, clock, logger } = this.#options;
    if (manifestFolder === undefined) return this.#scanned.resolve();
    await followManifests(
      {
        folder: manifestFolder,
        nodeName,
        clock,
        onSet: (pod) => {
          this.#static.set(uidOf(pod), pod);
          this.#pods.set(pod);
          this.#mirror();
        },
        onRemove: (uid) => {
          this.#static.delete(uid);
          this.#pods.remove(uid);
          this.#mirror();
        },
        onBroken: (path, message) => {
          logger.error({ path, error: message }, "a manifest cannot be used");
          const node = this.#keeper?.node;
          if (node !== undefined)
            this.#events.record(
              { ref: nodesRef, object: node },
              "Warning",
              "InvalidManifest",
              message,
            );
        },
        onScanned: this.#scanned.resolve,
        onUnreadable: (message) =>
          logger.error(
            { path: manifestFolder, error: message },
            "the folder of manifests cannot be read",
          ),
      },
      signal,
    );
  }

  refresh(): void {
    this.#keeper?.refresh();
  }

  async #followApi(client: Client, signal: AbortSignal): Promise<void> {
    const { clock, random, logger, nodeName, cri, machine, settings } = this.#options;
    const doors = { client, clock, random, logger };
    this.#events = createEventRecorder(doors, "kubelet", signal, nodeName);
    this.#writer = new StatusWriter(doors, signal);
    this.#objects = createPodObjects(
      doors,
      (uid) => this.#pods.worker(uid)?.expireVolumes(),
      signal,
    );
    const facts = { ...settings, nodeName, machine, kubeletPort: settings.port, kubeletVersion };
    this.#keeper = new NodeKeeper({ client, cri, clock, logger, facts });
    const keeping = this.#keeper.run(signal);
    void this.#keeper.registered.then(() => this.#mirror());
    this.#services = startInformer(servicesRef, { transform: withoutManagedFields }, doors, signal);
    const apiPods = startInformer(
      podsRef,
      { fieldSelector: `spec.nodeName=${nodeName}`, transform: withoutManagedFields },
      doors,
      signal,
    );
    this.#apiPods = apiPods;
    try {
      await Promise.all([this.#services.synced, apiPods.synced]);
      using _listening = apiPods.onChange((now, before) => this.#take(now, before));
      for (const pod of apiPods.list()) this.#take(pod, undefined);
      this.#adopt();
      await Promise.all([keeping, this.#keepMirrors(signal)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** A pod of the API server came, changed or went. */
  #take(now: Pod | undefined, before: Pod | undefined): void {
    const either = now ?? before;
    if (either === undefined) return;
    if (isMirror(either)) {
      if (before !== undefined && uidOf(before) !== now?.metadata?.uid)
        this.#writer?.forget(uidOf(before));
      this.#mirror();
      // Its status may never have been told.
      const pod = [...this.#static.values()].find((one) => fullNameOf(one) === fullNameOf(either));
      if (pod !== undefined) this.#pods.wake(uidOf(pod));
      return;
    }
    if (now !== undefined && this.#writer?.isOverruled(now) === true) this.#pods.wake(uidOf(now));
    const isOther = before !== undefined && now !== undefined && uidOf(before) !== uidOf(now);
    if (before !== undefined && (now === undefined || isOther)) this.#pods.remove(uidOf(before));
    if (now !== undefined && !this.#isSettled(now)) this.#pods.set(now);
  }

  /** Ended and cleared here already; its object only waits for somebody's finalizer. */
  #isSettled(pod: Pod): boolean {
    const isKnown = this.#pods.worker(uidOf(pod)) !== undefined;
    const runs = this.#context.runtime.get(uidOf(pod)) !== undefined;
    return isDeleted(pod) && graceSecondsOf(pod) === 0 && !isKnown && !runs;
  }

  /** All sources have spoken: what else runs is nobody's. */
  #adopt(): void {
    const { runtime, files, logger } = this.#context;
    this.#setStarted();
    // Not before the manifests were read: what they want is not a leaving.
    void this.#scanned.promise
      .then(async () => {
        this.#pods.endOrphans(runtime.pods());
        for (const uid of await files.uids())
          if (this.#pods.worker(uid) === undefined) await files.remove(uid);
      })
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted)
          logger.warn({ error: chainOf(error) }, "leavings of former pods could not be cleared");
      });
  }

  /** Also what was refused, and what somebody has deleted. */
  async #keepMirrors(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#mirror();
      await this.#options.clock.sleep(mirrorMs, signal).catch(() => undefined);
    }
  }

  /** Makes mirrors be what manifests say; one round at a time. */
  #mirror(): void {
    const { client, logger } = this.#options;
    const apiPods = this.#apiPods;
    const node = this.#keeper?.node;
    // A mirror belongs to its node, which the API must know first.
    if (client === undefined || node === undefined || apiPods?.isSynced !== true) return;
    this.#mirroring = this.#mirroring.then(async () => {
      const mirrors = apiPods.list().filter(isMirror);
      for (const change of planMirrors([...this.#static.values()], mirrors))
        await applyMirror(change, node, { client, logger });
    });
  }
}

export const createKubelet = (options: KubeletOptions): Kubelet => new RunningKubelet(options);
