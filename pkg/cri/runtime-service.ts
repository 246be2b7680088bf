/** CRI's RuntimeService: each call finds its records, and asks sandboxes and containers. */
import {
  CgroupDriver,
  ContainerEventType,
  type ContainerStatus,
  type CriService,
} from "../../api/cri/v1.ts";
import { chainOf } from "../base/errors.ts";
import type { Containers } from "./containers.ts";
import type { CriContext } from "./context.ts";
import { CriError, required, unimplemented } from "./cri-error.ts";
import type { CriEvents, ContainerHappening } from "./events.ts";
import { execSync } from "./exec-sync.ts";
import type { ImageService } from "./image-service.ts";
import {
  containerStatus,
  fitsContainer,
  fitsSandbox,
  hasLabels,
  listedContainer,
  listedSandbox,
  nanoseconds,
  newestFirst,
  sandboxStatus,
  verboseInfo,
} from "./listing-plan.ts";
import type { ContainerRecord, SandboxRecord } from "./records.ts";
import type { Sandboxes } from "./sandboxes.ts";
import { MetricsReader } from "./metrics.ts";
import { metricDescriptors } from "./metrics-plan.ts";
import type { StatsReader } from "./stats.ts";
import type { StreamingServer } from "./streaming-server.ts";
import { mergeResources, writeLimits } from "./update-resources.ts";

export interface RuntimeParts {
  readonly context: CriContext;
  readonly sandboxes: Sandboxes;
  readonly containers: Containers;
  readonly events: CriEvents;
  readonly stats: StatsReader;
  readonly streaming: StreamingServer;
}

type RuntimeService = Omit<CriService, keyof ImageService>;

/** Items of one message of a streamed list. */
const streamedAtOnce = 500;
export const runtimeName = "tskube";
export const runtimeVersion = "0.1.0";

export const createRuntimeService = (parts: RuntimeParts): RuntimeService => ({
  ...nodeCalls(parts),
  ...sandboxCalls(parts),
  ...containerCalls(parts),
  ...processCalls(parts),
  ...statsCalls(parts),
  ...metricsCalls(parts),
  ...absentCalls,
});

function nodeCalls({ context }: RuntimeParts) {
  return {
    version: async () => ({
      version: "0.1.0",
      runtimeName,
      runtimeVersion,
      runtimeApiVersion: "v1",
    }),
    status: async ({ verbose }) => {
      const network = await context.network.check().then(
        () => "",
        (error: unknown) => chainOf(error),
      );
      const conditions = [
        { type: "RuntimeReady", status: true, reason: "", message: "" },
        network === ""
          ? { type: "NetworkReady", status: true, reason: "", message: "" }
          : { type: "NetworkReady", status: false, reason: "NetworkNotReady", message: network },
      ];
      const { userNamespaces } = context.host;
      const info = { cgroup: context.cgroups.style, state: context.paths.state };
      return {
        status: { conditions },
        ...(verbose === true ? { info: verboseInfo(info) } : {}),
        runtimeHandlers: [
          { name: "", features: { recursiveReadOnlyMounts: true, userNamespaces } },
        ],
        features: { supplementalGroupsPolicy: true },
      };
    },
    runtimeConfig: async () => ({ linux: { cgroupDriver: CgroupDriver.CGROUPFS } }),
    // The pods' range is a flag of the daemon: the kubelet's word for it changes nothing.
    updateRuntimeConfig: async () => ({}),
  } satisfies Partial<CriService>;
}

function sandboxCalls({ context, sandboxes, containers, stats }: RuntimeParts) {
  const stop = async (record: SandboxRecord): Promise<void> => {
    await Promise.all(containers.of(record.id).map(({ id }) => containers.stop(id, 0)));
    await sandboxes.stop(record.id);
  };
  const list = (filter: Parameters<typeof fitsSandbox>[1]) =>
    newestFirst(sandboxes.list().filter((record) => fitsSandbox(record, filter))).map(
      listedSandbox,
    );
  return {
    runPodSandbox: async ({ config, runtimeHandler }) => {
      if (runtimeHandler) {
        throw new CriError("INVALID_ARGUMENT", `no runtime handler ${runtimeHandler}`);
      }
      const record = await sandboxes.run(required(config, "sandbox config"), "");
      return { podSandboxId: record.id };
    },
    stopPodSandbox: async ({ podSandboxId }) => {
      const record = sandboxes.find(required(podSandboxId, "sandbox id"));
      if (record !== undefined) await stop(record);
      return {};
    },
    removePodSandbox: async ({ podSandboxId }) => {
      const record = sandboxes.find(required(podSandboxId, "sandbox id"));
      if (record === undefined) return {};
      await stop(record);
      for (const container of containers.of(record.id)) {
        await containers.remove(container.id);
        stats.forget(container);
      }
      await sandboxes.remove(record.id);
      return {};
    },
    podSandboxStatus: async ({ podSandboxId, verbose }) => {
      const record = sandboxes.get(required(podSandboxId, "sandbox id"));
      return {
        status: sandboxStatus(record),
        ...(verbose === true
          ? { info: verboseInfo({ config: record.config, paths: sandboxes.paths(record) }) }
          : {}),
        containersStatuses: containers.of(record.id).map(containerStatus),
        timestamp: nanoseconds(context.clock.now()),
      };
    },
    listPodSandbox: async ({ filter }) => ({ items: list(filter) }),
    streamPodSandboxes: async function* ({ filter }) {
      for (const podSandboxes of slices(list(filter))) yield { podSandboxes };
    },
    updatePodSandboxResources: async ({ podSandboxId, resources }) => {
      const record = sandboxes.get(required(podSandboxId, "sandbox id"));
      const parent = record.config.linux?.cgroupParent;
      if (parent && resources !== undefined) writeLimits(context, parent, resources);
      return {};
    },
  } satisfies Partial<CriService>;
}

function containerCalls({ context, sandboxes, containers, stats }: RuntimeParts) {
  const list = (filter: Parameters<typeof fitsContainer>[1]) =>
    newestFirst(containers.list().filter((record) => fitsContainer(record, filter))).map(
      listedContainer,
    );
  return {
    createContainer: async ({ podSandboxId, config }) => {
      const sandbox = sandboxes.get(required(podSandboxId, "sandbox id"));
      const place = { sandbox, paths: sandboxes.paths(sandbox) };
      const record = await containers.create(place, required(config, "container config"));
      return { containerId: record.id };
    },
    startContainer: async ({ containerId }) => {
      await containers.start(required(containerId, "container id"));
      return {};
    },
    stopContainer: async ({ containerId, timeout = 0n }, signal) => {
      await containers.stop(required(containerId, "container id"), Number(timeout) * 1000, signal);
      return {};
    },
    removeContainer: async ({ containerId }) => {
      const record = containers.find(required(containerId, "container id"));
      if (record === undefined) return {};
      await containers.remove(record.id);
      stats.forget(record);
      return {};
    },
    listContainers: async ({ filter }) => ({ containers: list(filter) }),
    streamContainers: async function* ({ filter }) {
      for (const slice of slices(list(filter))) yield { containers: slice };
    },
    containerStatus: async ({ containerId, verbose }) => {
      const record = containers.get(required(containerId, "container id"));
      return {
        status: containerStatus(record),
        ...(verbose === true ? { info: verboseInfo(inspectInfo(record)) } : {}),
      };
    },
    updateContainerResources: async ({ containerId, linux }) => {
      const record = containers.get(required(containerId, "container id"));
      if (linux === undefined) return {};
      if (record.life.at === "running") {
        writeLimits(context, record.spec.linux?.cgroupsPath ?? "", linux);
      }
      await containers.update(record.id, (current) => withResources(current, linux));
      return {};
    },
    reopenContainerLog: async ({ containerId }) => {
      const { record } = containers.running(required(containerId, "container id"));
      await context.supervisor.reopenLog(record.id);
      return {};
    },
  } satisfies Partial<CriService>;
}

function withResources(
  record: ContainerRecord,
  change: Parameters<typeof mergeResources>[1],
): ContainerRecord {
  const { config } = record;
  const resources = mergeResources(config.linux?.resources ?? {}, change);
  return { ...record, config: { ...config, linux: { ...config.linux, resources } } };
}

/** The names that tools look for: containerd's. */
const inspectInfo = (record: ContainerRecord): object => ({
  sandboxID: record.sandboxId,
  pid: record.life.at === "running" ? record.life.pid : 0,
  runtimeType: "tskube",
  config: record.config,
  runtimeSpec: record.spec,
});

function processCalls({ context, containers, streaming, events, sandboxes }: RuntimeParts) {
  return {
    execSync: async (request, signal) => await execSync(context, containers, request, signal),
    exec: async (request) => {
      containers.running(required(request.containerId, "container id"));
      return { url: streaming.exec(request) };
    },
    attach: async (request) => {
      containers.running(required(request.containerId, "container id"));
      return { url: streaming.attach(request) };
    },
    portForward: async (request) => {
      const sandbox = sandboxes.get(required(request.podSandboxId, "sandbox id"));
      if (!sandbox.isReady) {
        throw new CriError("FAILED_PRECONDITION", `sandbox ${sandbox.id} is not ready`);
      }
      return { url: streaming.portForward(request) };
    },
    getContainerEvents: async function* (_request, signal) {
      for await (const { happening, record } of events.listen(signal)) {
        const sandbox = sandboxes.find(record.sandboxId);
        const statuses: readonly ContainerStatus[] = containers
          .of(record.sandboxId)
          .map(containerStatus);
        yield {
          containerId: record.id,
          containerEventType: eventTypes[happening],
          createdAt: nanoseconds(context.clock.now()),
          ...(sandbox === undefined ? {} : { podSandboxStatus: sandboxStatus(sandbox) }),
          containersStatuses: statuses,
        };
      }
    },
  } satisfies Partial<CriService>;
}

const eventTypes: Readonly<Record<ContainerHappening, ContainerEventType>> = {
  created: ContainerEventType.CONTAINER_CREATED_EVENT,
  started: ContainerEventType.CONTAINER_STARTED_EVENT,
  stopped: ContainerEventType.CONTAINER_STOPPED_EVENT,
  deleted: ContainerEventType.CONTAINER_DELETED_EVENT,
};

function statsCalls({ sandboxes, containers, stats }: RuntimeParts) {
  const listContainers = async (
    filter: {
      readonly id?: string;
      readonly podSandboxId?: string;
      readonly labelSelector?: Readonly<Record<string, string>>;
    } = {},
  ) => {
    const fitting = containers
      .list()
      .filter((record) => record.life.at === "running" && fitsContainer(record, filter));
    return await Promise.all(fitting.map(async (record) => await stats.container(record)));
  };
  const ofSandbox = async (record: SandboxRecord) =>
    await stats.sandbox(record, containers.of(record.id));
  const listSandboxes = async (
    filter: {
      readonly id?: string;
      readonly labelSelector?: Readonly<Record<string, string>>;
    } = {},
  ) => {
    const fitting = sandboxes
      .list()
      .filter(
        ({ id, isReady, config }) =>
          isReady &&
          id.startsWith(filter.id ?? "") &&
          hasLabels(config.labels, filter.labelSelector),
      );
    return await Promise.all(fitting.map(ofSandbox));
  };
  return {
    containerStats: async ({ containerId }) => {
      const record = containers.get(required(containerId, "container id"));
      return { stats: await stats.container(record) };
    },
    listContainerStats: async ({ filter }) => ({ stats: await listContainers(filter) }),
    streamContainerStats: async function* ({ filter }) {
      for (const slice of slices(await listContainers(filter))) yield { containerStats: slice };
    },
    podSandboxStats: async ({ podSandboxId }) => ({
      stats: await ofSandbox(sandboxes.get(required(podSandboxId, "sandbox id"))),
    }),
    listPodSandboxStats: async ({ filter }) => ({ stats: await listSandboxes(filter) }),
    streamPodSandboxStats: async function* ({ filter }) {
      for (const slice of slices(await listSandboxes(filter))) yield { podSandboxStats: slice };
    },
  } satisfies Partial<CriService>;
}

function metricsCalls({ context, sandboxes, containers, stats }: RuntimeParts) {
  const reader = new MetricsReader(context, stats);
  const ofReadyPods = async () =>
    await Promise.all(
      sandboxes
        .list()
        .filter(({ isReady }) => isReady)
        .map(async (record) => await reader.sandbox(record, containers.of(record.id))),
    );
  return {
    listMetricDescriptors: async () => ({ descriptors: metricDescriptors }),
    listPodSandboxMetrics: async () => ({ podMetrics: await ofReadyPods() }),
    streamPodSandboxMetrics: async function* () {
      for (const slice of slices(await ofReadyPods())) yield { podSandboxMetrics: slice };
    },
  } satisfies Partial<CriService>;
}

function* slices<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < items.length; at += streamedAtOnce) {
    yield items.slice(at, at + streamedAtOnce);
  }
}

/** Freezing processes to disk needs CRIU. */
const absentCalls = {
  checkpointContainer: async () => {
    throw unimplemented("checkpoint");
  },
  checkpointPod: async () => {
    throw unimplemented("checkpoint");
  },
  restorePod: async () => {
    throw unimplemented("restore");
  },
} satisfies Partial<CriService>;
