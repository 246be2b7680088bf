/**
 * A container runtime in memory, on a clock of the test's: it keeps the CRI's contract as far as a
 * kubelet can see it, runs nothing, and does as it is told when told to fail. For unit tests and
 * for simulated nodes.
 */
import {
  ContainerEventType,
  ContainerState,
  criMethods,
  PodSandboxState,
  type Container,
  type ContainerConfig,
  type ContainerEventResponse,
  type ContainerStatus,
  type CriService,
  type PodSandbox,
  type PodSandboxConfig,
  type PodSandboxStatus,
} from "../../../api/cri/v1.ts";
import type { Clock } from "../../base/clock.ts";

export interface FakeContainer {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  readonly createdAtMs: number;
  readonly imageRef: string;
  state: ContainerState;
  startedAtMs: number;
  finishedAtMs: number;
  exitCode: number;
  reason: string;
}

interface FakeSandbox {
  readonly id: string;
  readonly config: PodSandboxConfig;
  readonly createdAtMs: number;
  readonly ip: string;
  state: PodSandboxState;
}

export interface FakeExec {
  readonly exitCode: number;
  readonly output?: string;
}

export interface FakeRuntimeOptions {
  readonly clock: Clock;
  /** First two bytes of the addresses of its pods: "10.1". */
  readonly subnet?: string;
  /** Images that are there from the start. */
  readonly images?: readonly string[];
}

type Listener = (event: ContainerEventResponse) => void;

const nanos = (ms: number): bigint => BigInt(Math.round(ms)) * 1_000_000n;

const matches = (
  labels: Readonly<Record<string, string>> | undefined,
  selector: Readonly<Record<string, string>> | undefined,
): boolean => Object.entries(selector ?? {}).every(([key, value]) => labels?.[key] === value);

export class FakeRuntime {
  readonly cri: CriService;
  readonly containers = new Map<string, FakeContainer>();
  readonly sandboxes = new Map<string, FakeSandbox>();
  /** Every call in order: "startContainer web". */
  readonly calls: string[] = [];
  readonly images: Set<string>;
  /** Images that a pull brings, beside those that are there; undefined: any. */
  pullable: ReadonlySet<string> | undefined = undefined;
  /** What a command in a container does. */
  exec: (container: FakeContainer, cmd: readonly string[]) => FakeExec = () => ({ exitCode: 0 });
  /** Milliseconds after SIGTERM until the process ends; more than the grace: it is killed. */
  endsAfterMs: (name: string) => number = () => 0;
  /** Throws to make the next call of that name fail. */
  beforeCall: (name: string, about: string) => void = () => undefined;
  readonly #clock: Clock;
  readonly #subnet: string;
  readonly #listeners = new Set<Listener>();
  #made = 0;

  constructor({ clock, subnet = "10.1", images = [] }: FakeRuntimeOptions) {
    this.#clock = clock;
    this.#subnet = subnet;
    this.images = new Set(images);
    this.cri = this.#service();
  }

  /** The newest container of that name. */
  container(name: string): FakeContainer | undefined {
    return [...this.containers.values()].findLast(({ config }) => config.metadata?.name === name);
  }

  /** A container's process ends by itself. */
  end(name: string, exitCode: number, reason = ""): void {
    const container = this.container(name);
    if (container === undefined) throw new Error(`no container ${name}`);
    this.#finish(container, exitCode, reason);
  }

  /** A sandbox dies with all that is in it, as after a reboot. */
  killSandboxes(): void {
    for (const sandbox of this.sandboxes.values()) this.#stopSandbox(sandbox.id);
  }

  #id(): string {
    this.#made += 1;
    return this.#made.toString(16).padStart(64, "0");
  }

  #service(): CriService {
    const unknown = Object.fromEntries(
      criMethods.map(({ name }) => [
        name,
        () => Promise.reject(new Error(`the fake runtime has no ${name}`)),
      ]),
    ) as unknown as CriService;
    return {
      ...unknown,
      ...this.#node(),
      ...this.#sandboxCalls(),
      ...this.#containerCalls(),
      ...this.#imageCalls(),
      getContainerEvents: (_request, signal) => this.#events(signal),
      execSync: async ({ containerId = "", cmd = [] }) => {
        const container = this.#find(containerId);
        this.#call("execSync", cmd.join(" "));
        const { exitCode, output = "" } = this.exec(container, cmd);
        return { exitCode, stdout: new TextEncoder().encode(output) };
      },
      reopenContainerLog: async () => ({}),
      listPodSandboxStats: async () => ({ stats: [] }),
    };
  }

  #call(name: string, about: string): void {
    this.calls.push(`${name} ${about}`);
    this.beforeCall(name, about);
  }

  #node(): Pick<CriService, "version" | "status"> {
    return {
      version: async () => ({ version: "v1", runtimeName: "fake", runtimeVersion: "1.0" }),
      status: async () => ({
        status: {
          conditions: [
            { type: "RuntimeReady", status: true },
            { type: "NetworkReady", status: true },
          ],
        },
      }),
    };
  }

  #sandboxCalls(): Pick<
    CriService,
    "runPodSandbox" | "stopPodSandbox" | "removePodSandbox" | "podSandboxStatus" | "listPodSandbox"
  > {
    return {
      runPodSandbox: async ({ config = {} }) => {
        this.#call("runPodSandbox", config.metadata?.name ?? "");
        const id = this.#id();
        const ip = `${this.#subnet}.${Math.floor(this.#made / 250)}.${(this.#made % 250) + 2}`;
        const state = PodSandboxState.SANDBOX_READY;
        this.sandboxes.set(id, { id, config, ip, state, createdAtMs: this.#clock.now() });
        return { podSandboxId: id };
      },
      stopPodSandbox: async ({ podSandboxId = "" }) => {
        this.#call("stopPodSandbox", this.sandboxes.get(podSandboxId)?.config.metadata?.name ?? "");
        this.#stopSandbox(podSandboxId);
        return {};
      },
      removePodSandbox: async ({ podSandboxId = "" }) => {
        const name = this.sandboxes.get(podSandboxId)?.config.metadata?.name ?? "";
        this.#call("removePodSandbox", name);
        this.#stopSandbox(podSandboxId);
        for (const { id, sandboxId } of this.containers.values())
          if (sandboxId === podSandboxId) this.containers.delete(id);
        this.sandboxes.delete(podSandboxId);
        return {};
      },
      podSandboxStatus: async ({ podSandboxId = "" }) => {
        const sandbox = this.sandboxes.get(podSandboxId);
        if (sandbox === undefined) throw new Error(`no sandbox ${podSandboxId}`);
        return { status: this.#sandboxStatus(sandbox) };
      },
      listPodSandbox: async ({ filter }) => ({
        items: [...this.sandboxes.values()]
          .filter(({ config }) => matches(config.labels, filter?.labelSelector))
          .map((sandbox) => listedSandbox(sandbox)),
      }),
    };
  }

  #containerCalls(): Pick<
    CriService,
    | "createContainer"
    | "startContainer"
    | "stopContainer"
    | "removeContainer"
    | "containerStatus"
    | "listContainers"
  > {
    return {
      createContainer: async ({ podSandboxId = "", config = {} }) => {
        this.#call("createContainer", config.metadata?.name ?? "");
        if (this.sandboxes.get(podSandboxId)?.state !== PodSandboxState.SANDBOX_READY)
          throw new Error(`sandbox ${podSandboxId} is not ready`);
        const container: FakeContainer = {
          id: this.#id(),
          sandboxId: podSandboxId,
          config,
          createdAtMs: this.#clock.now(),
          imageRef: config.image?.image ?? "",
          state: ContainerState.CONTAINER_CREATED,
          startedAtMs: 0,
          finishedAtMs: 0,
          exitCode: 0,
          reason: "",
        };
        this.containers.set(container.id, container);
        this.#tell(container, ContainerEventType.CONTAINER_CREATED_EVENT);
        return { containerId: container.id };
      },
      startContainer: async ({ containerId = "" }) => {
        const container = this.#find(containerId);
        this.#call("startContainer", nameOf(container));
        if (container.state !== ContainerState.CONTAINER_CREATED)
          throw new Error(`container ${containerId} was started before`);
        container.state = ContainerState.CONTAINER_RUNNING;
        container.startedAtMs = this.#clock.now();
        this.#tell(container, ContainerEventType.CONTAINER_STARTED_EVENT);
        return {};
      },
      stopContainer: async ({ containerId = "", timeout = 0n }) => {
        const container = this.#find(containerId);
        this.#call("stopContainer", `${nameOf(container)} ${String(timeout)}s`);
        await this.#stop(container, Number(timeout) * 1000);
        return {};
      },
      removeContainer: async ({ containerId = "" }) => {
        const container = this.containers.get(containerId);
        if (container === undefined) return {};
        this.#call("removeContainer", nameOf(container));
        this.#finish(container, 137);
        this.containers.delete(containerId);
        return {};
      },
      containerStatus: async ({ containerId = "" }) => ({
        status: statusOf(this.#find(containerId)),
      }),
      listContainers: async ({ filter }) => ({
        containers: [...this.containers.values()]
          .filter(({ config }) => matches(config.labels, filter?.labelSelector))
          .map((container) => listedContainer(container)),
      }),
    };
  }

  #imageCalls(): Pick<CriService, "imageStatus" | "pullImage" | "listImages" | "removeImage"> {
    return {
      imageStatus: async ({ image }) => {
        const name = image?.image ?? "";
        const tags = { repoTags: [name], size: 1_000_000n };
        return this.images.has(name) ? { image: { id: `sha256:${name}`, ...tags } } : {};
      },
      pullImage: async ({ image }) => {
        const name = image?.image ?? "";
        this.#call("pullImage", name);
        if (this.pullable !== undefined && !this.pullable.has(name))
          throw new Error(`${name}: not found`);
        this.images.add(name);
        return { imageRef: `sha256:${name}` };
      },
      listImages: async () => ({
        images: [...this.images].map((name) => ({
          id: `sha256:${name}`,
          repoTags: [name],
          size: 1_000_000n,
        })),
      }),
      removeImage: async ({ image }) => {
        this.images.delete((image?.image ?? "").replace(/^sha256:/, ""));
        return {};
      },
    };
  }

  #find(id: string): FakeContainer {
    const container = this.containers.get(id);
    if (container === undefined) throw new Error(`no container ${id}`);
    return container;
  }

  async #stop(container: FakeContainer, timeoutMs: number): Promise<void> {
    if (container.state !== ContainerState.CONTAINER_RUNNING) return;
    const needsMs = this.endsAfterMs(nameOf(container));
    const waitMs = Math.min(needsMs, timeoutMs);
    if (waitMs > 0) await this.#endOrSleep(container, waitMs);
    this.#finish(container, needsMs > timeoutMs ? 137 : 143);
  }

  /** Whichever comes first: somebody with less patience may end the container meanwhile. */
  async #endOrSleep(container: FakeContainer, ms: number): Promise<void> {
    const ended = new AbortController();
    const listener: Listener = ({ containerId }) => {
      if (containerId === container.id) ended.abort();
    };
    this.#listeners.add(listener);
    await this.#clock.sleep(ms, ended.signal).catch(() => undefined);
    this.#listeners.delete(listener);
  }

  #finish(container: FakeContainer, exitCode: number, reason = ""): void {
    if (container.state === ContainerState.CONTAINER_EXITED) return;
    container.state = ContainerState.CONTAINER_EXITED;
    container.exitCode = exitCode;
    container.reason = reason || (exitCode === 0 ? "Completed" : "Error");
    container.finishedAtMs = this.#clock.now();
    this.#tell(container, ContainerEventType.CONTAINER_STOPPED_EVENT);
  }

  #stopSandbox(id: string): void {
    const sandbox = this.sandboxes.get(id);
    if (sandbox === undefined) return;
    sandbox.state = PodSandboxState.SANDBOX_NOTREADY;
    for (const container of this.containers.values())
      if (container.sandboxId === id) this.#finish(container, 137);
    const podSandboxStatus = this.#sandboxStatus(sandbox);
    for (const listener of this.#listeners)
      listener({
        containerId: id,
        containerEventType: ContainerEventType.CONTAINER_STOPPED_EVENT,
        podSandboxStatus,
      });
  }

  #sandboxStatus(sandbox: FakeSandbox): PodSandboxStatus {
    return { ...listedSandbox(sandbox), network: { ip: sandbox.ip } };
  }

  #tell(container: FakeContainer, containerEventType: ContainerEventType): void {
    const sandbox = this.sandboxes.get(container.sandboxId);
    if (sandbox === undefined) return;
    const podSandboxStatus = this.#sandboxStatus(sandbox);
    for (const listener of this.#listeners)
      listener({ containerId: container.id, containerEventType, podSandboxStatus });
  }

  async *#events(signal?: AbortSignal): AsyncGenerator<ContainerEventResponse> {
    const pending: ContainerEventResponse[] = [];
    let wake: (() => void) | undefined;
    const listener: Listener = (event) => {
      pending.push(event);
      wake?.();
    };
    const onAbort = (): void => wake?.();
    this.#listeners.add(listener);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      while (signal?.aborted !== true) {
        const event = pending.shift();
        if (event !== undefined) yield event;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      this.#listeners.delete(listener);
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

const nameOf = ({ config }: FakeContainer): string => config.metadata?.name ?? "";

const listedSandbox = ({ id, config, state, createdAtMs }: FakeSandbox): PodSandbox => ({
  id,
  ...(config.metadata === undefined ? {} : { metadata: config.metadata }),
  state,
  createdAt: nanos(createdAtMs),
  labels: config.labels ?? {},
  annotations: config.annotations ?? {},
});

const listedContainer = (container: FakeContainer): Container => ({
  id: container.id,
  podSandboxId: container.sandboxId,
  ...(container.config.metadata === undefined ? {} : { metadata: container.config.metadata }),
  state: container.state,
  createdAt: nanos(container.createdAtMs),
  imageRef: container.imageRef,
  labels: container.config.labels ?? {},
  annotations: container.config.annotations ?? {},
});

const statusOf = (container: FakeContainer): ContainerStatus => ({
  id: container.id,
  ...(container.config.metadata === undefined ? {} : { metadata: container.config.metadata }),
  state: container.state,
  createdAt: nanos(container.createdAtMs),
  startedAt: nanos(container.startedAtMs),
  finishedAt: nanos(container.finishedAtMs),
  exitCode: container.exitCode,
  reason: container.reason,
  ...(container.config.image === undefined ? {} : { image: container.config.image }),
  imageRef: container.imageRef,
  labels: container.config.labels ?? {},
  annotations: container.config.annotations ?? {},
  logPath: container.config.logPath ?? "",
});
