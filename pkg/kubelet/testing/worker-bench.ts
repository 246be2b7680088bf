import type { Container, Pod, PodStatus } from "../../../api/core/v1.ts";
import { silentLogger } from "../../telemetry/logger.ts";
import { SimulatedClock } from "../../sim/simulated-clock.ts";
import { clearPod } from "../gc/clear-pod.ts";
import { ImagePuller } from "../images/image-puller.ts";
import { PodSet } from "../pods/pod-set.ts";
import { uidOf } from "../pods/pod-spec.ts";
import type { ReachOutcome } from "../probes/probe-network.ts";
import { Prober } from "../probes/prober.ts";
import type { NodeSettings } from "../runtime/node-settings.ts";
import { noCgroups } from "../runtime/pod-cgroups.ts";
import { RuntimeCache } from "../runtime/runtime-cache.ts";
import { noObjects } from "../volumes/pod-objects.ts";
import type { PodContext } from "../worker/pod-context.ts";
import { fakeNetwork } from "./fake-machine.ts";
import { FakeRuntime } from "./fake-runtime.ts";
import { noFiles } from "./no-files.ts";

export const testSettings: NodeSettings = {
  nodeName: "node-1",
  nodeIPs: ["192.168.0.10"],
  hostname: "node-1",
  memoryBytes: 8 * 2 ** 30,
  cpuMillis: 4000,
  clusterDns: ["10.96.0.10"],
  clusterDomain: "cluster.local",
  hostDns: { servers: ["192.168.0.1"], searches: ["example.org"], options: [] },
  cgroupRoot: "",
  podLogsPath: "/var/log/pods",
  seccompPath: "/var/lib/tskube/kubelet/seccomp",
};

/** A pod with containers of the image "web:1". */
export function testPod(
  name: string,
  spec: Partial<Omit<Pod["spec"], "containers">> & {
    containers?: readonly Partial<Container>[];
  } = {},
): Pod {
  const full = (one: Partial<Container>): Container => ({
    name: "web",
    image: "web:1",
    imagePullPolicy: "IfNotPresent",
    ...one,
  });
  return {
    metadata: { name, namespace: "default", uid: `uid-${name}`, generation: 1 },
    spec: {
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      ...spec,
      ...(spec.initContainers === undefined
        ? {}
        : { initContainers: spec.initContainers.map(full) }),
      containers: (spec.containers ?? [{}]).map(full),
    },
  };
}

/** Pod workers on a fake runtime and a clock that the test owns. */
export class WorkerBench {
  readonly clock = new SimulatedClock();
  readonly runtime: FakeRuntime;
  readonly pods: PodSet;
  readonly context: PodContext;
  /** "Warning BackOff Back-off restarting …" */
  readonly events: string[] = [];
  readonly statuses = new Map<string, PodStatus>();
  /** Every status that was told, in order. */
  readonly history: PodStatus[] = [];
  readonly gone: string[] = [];
  /** What probes over the network find. */
  reach: () => ReachOutcome = () => ({ got: "answer", status: 200, body: "" });
  /** Set: volumes cannot be made. */
  mountFailure: Error | undefined = undefined;
  /** How often volumes were asked for. */
  mounts = 0;
  readonly #stop = new AbortController();
  #isMute = false;

  constructor(images: readonly string[] = ["web:1"], runtime?: FakeRuntime) {
    const { clock } = this;
    this.runtime = runtime ?? new FakeRuntime({ clock, images });
    const cri = this.runtime.cri;
    const network = fakeNetwork(() => this.reach());
    const cache = new RuntimeCache({ cri, clock, logger: silentLogger });
    const prober = new Prober({
      cri,
      network,
      clock,
      onResult: (uid) => this.pods.wake(uid),
      onUnhealthy: (_pod, container, kind, message) =>
        void this.events.push(`Warning Unhealthy ${container.name} ${kind}: ${message}`),
    });
    this.context = {
      cri,
      clock,
      logger: silentLogger,
      settings: testSettings,
      allocatable: () => ({ cpu: "4", memory: "8Gi" }),
      runtime: cache,
      prober,
      images: new ImagePuller(cri, clock),
      files: {
        ...noFiles,
        prepare: (pod, facts) => {
          this.mounts += 1;
          return this.mountFailure === undefined
            ? noFiles.prepare(pod, facts)
            : Promise.reject(this.mountFailure);
        },
      },
      cgroups: noCgroups,
      objects: noObjects,
      network,
      services: () => [],
      note: (_pod, type, reason, message) => void this.events.push(`${type} ${reason} ${message}`),
      publish: (pod, status) => {
        this.statuses.set(uidOf(pod), status);
        this.history.push(status);
        return this.#isMute ? Promise.withResolvers<void>().promise : Promise.resolve();
      },
    };
    this.pods = new PodSet({
      context: this.context,
      admit: () => undefined,
      onGone: async (pod) => {
        await clearPod(pod, this.context, undefined, this.#stop.signal);
        this.gone.push(uidOf(pod));
      },
    });
    cache.onChange((uid) => this.pods.wake(uid));
    void cache.follow(this.#stop.signal);
  }

  /** From now on nobody takes statuses: the API server is away. */
  mute(): void {
    this.#isMute = true;
  }

  /** Lets everything that is ready happen. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 60; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Moves time on, letting everything happen as its moment comes. */
  async advance(ms: number): Promise<void> {
    const stepMs = Math.max(1, Math.min(1000, ms / 10));
    await this.settle();
    for (let left = ms; left > 0; left -= stepMs) {
      await this.clock.advance(Math.min(stepMs, left));
      await this.settle();
    }
  }

  async set(pod: Pod): Promise<void> {
    this.pods.set(pod);
    await this.settle();
  }

  status(pod: Pod): PodStatus {
    const status = this.statuses.get(uidOf(pod));
    if (status === undefined) throw new Error(`no status of ${pod.metadata?.name} yet`);
    return status;
  }

  /** "web=Running ready", "web=CrashLoopBackOff x2" */
  states(pod: Pod): string {
    const status = this.status(pod);
    return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
      .map(({ name, state, ready, restartCount }) => {
        const what =
          state?.waiting?.reason ?? state?.terminated?.reason ?? (state?.running && "Running");
        const times = restartCount === 0 ? "" : ` x${restartCount}`;
        return `${name}=${what}${ready ? " ready" : ""}${times}`;
      })
      .join(", ");
  }

  condition(pod: Pod, type: string): string | undefined {
    return this.status(pod).conditions?.find((one) => one.type === type)?.status;
  }

  /** Events of one reason. */
  told(reason: string): readonly string[] {
    return this.events.filter((event) => event.split(" ")[1] === reason);
  }

  stop(): void {
    this.#stop.abort(new Error("the test is over"));
    this.context.prober.stopAll();
    this.pods.dispose();
  }
}
