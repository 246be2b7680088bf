import { checkNonRoot } from "./run-as-user.ts";
import type { Pod } from "../../../api/core/v1.ts";
import { chainOf } from "../../base/errors.ts";
import { ConfigError, environment } from "../environment/environment.ts";
import { ImageError } from "../images/image-puller.ts";
import type { SpecContainer } from "../pods/pod-spec.ts";
import { containerConfig, terminationMessagePathDefault } from "../runtime/container-config.ts";
import {
  currentSandbox,
  latestContainer,
  type RuntimeContainer,
  type RuntimePod,
} from "../runtime/runtime-pod.ts";
import { fqdnOf, hostnameOf, sandboxConfig } from "../runtime/sandbox-config.ts";
import { podIPsOf } from "../status/pod-status.ts";
import { VolumeError } from "../volumes/projected-files.ts";
import type { PreparedVolumes } from "../volumes/pod-files.ts";
import { firstHostIdOf } from "./create-sandbox.ts";
import type { PodContext } from "./pod-context.ts";

/** A container could not be started. `reason` is what its status shows while it waits. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly reason: string;
  /** Undefined: the worker's own back-off decides. */
  readonly retryAtMs: number | undefined;
  constructor(reason: string, message: string, retryAtMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.retryAtMs = retryAtMs;
  }
}

export interface StartRequest {
  readonly pod: Pod;
  readonly spec: SpecContainer;
  readonly restartCount: number;
  readonly replaces: RuntimeContainer | undefined;
  readonly runtime: RuntimePod;
  readonly volumes: PreparedVolumes;
}

/**
 * One container from its image to its first process: pull, environment, mounts, create, start.
 * Returns its id. Rejects with StartError; the events that people see are told here.
 */
export async function startContainer(
  request: StartRequest,
  context: PodContext,
  signal: AbortSignal,
): Promise<string> {
  const { pod, spec } = request;
  const { container } = spec;
  const image = await pullImage(request, context, signal);
  signal.throwIfAborted();
  const config = await prepareConfig(request, image, context).catch((cause: unknown) => {
    const message = chainOf(cause);
    context.note(pod, "Warning", "Failed", `Error: ${message}`, container);
    const isUsers = cause instanceof ConfigError || cause instanceof VolumeError;
    const reason = isUsers ? "CreateContainerConfigError" : "CreateContainerError";
    throw new StartError(reason, message, undefined, { cause });
  });
  const id = await create(request, config, context);
  context.note(pod, "Normal", "Created", `Container created`, container);
  try {
    await context.cri.startContainer({ containerId: id });
  } catch (cause) {
    const message = chainOf(cause);
    context.note(pod, "Warning", "Failed", `Error: ${message}`, container);
    throw new StartError("RunContainerError", message, undefined, { cause });
  }
  context.note(pod, "Normal", "Started", `Container started`, container);
  return id;
}

async function pullImage(
  { pod, spec }: StartRequest,
  context: PodContext,
  signal: AbortSignal,
): ReturnType<PodContext["images"]["ensure"]> {
  const { container } = spec;
  const secrets = (pod.spec.imagePullSecrets ?? []).flatMap(({ name }) => {
    const secret = context.objects.secret(pod, name ?? "");
    return secret === undefined ? [] : [secret];
  });
  const sandbox = sandboxConfig(pod, 0, context.settings);
  const note = (type: "Normal" | "Warning", reason: string, message: string): void =>
    context.note(pod, type, reason, message, container);
  try {
    return await context.images.ensure(
      { pod, container, secrets, sandboxConfig: sandbox, note },
      signal,
    );
  } catch (cause) {
    if (!(cause instanceof ImageError)) throw cause;
    note("Warning", "Failed", `Error: ${cause.reason}`);
    throw new StartError(cause.reason, cause.message, cause.retryAtMs, { cause });
  }
}

type Image = Awaited<ReturnType<PodContext["images"]["ensure"]>>;
type Config = ReturnType<typeof containerConfig>;

async function prepareConfig(
  request: StartRequest,
  image: Image,
  context: PodContext,
): Promise<Config> {
  const { pod, spec, runtime, restartCount } = request;
  const { container } = spec;
  const { settings, objects } = context;
  checkNonRoot(pod, container, image);
  const podIPs = podIPsOf(pod, { runtime, nodeIPs: settings.nodeIPs });
  const variables = environment(container, {
    pod,
    podIPs,
    nodeName: settings.nodeName,
    nodeIPs: settings.nodeIPs,
    allocatable: context.allocatable(),
    services: context.services(),
    configMap: (name) => objects.configMap(pod, name),
    secret: (name) => objects.secret(pod, name),
  });
  const fqdn = fqdnOf(pod, settings.clusterDomain);
  const mounts = await context.files.mounts({
    pod,
    containerName: container.name,
    restartCount,
    volumeMounts: container.volumeMounts ?? [],
    terminationMessagePath: container.terminationMessagePath ?? terminationMessagePathDefault,
    prepared: request.volumes,
    environment: variables,
    hosts: {
      podIPs,
      hostname: hostnameOf(pod, settings),
      aliases: pod.spec.hostAliases ?? [],
      ...(fqdn === undefined ? {} : { fqdn }),
    },
  });
  const target = targetOf(request);
  const firstHostId = await firstHostIdOf(pod, context);
  return containerConfig({
    pod,
    spec,
    restartCount,
    imageRef: image.ref,
    environment: variables,
    mounts,
    settings,
    ...(target === undefined ? {} : { targetId: target }),
    ...(firstHostId === undefined ? {} : { firstHostId }),
  });
}

/** Of the container whose processes a debugger asked to see. */
function targetOf({ pod, spec, runtime }: StartRequest): string | undefined {
  const debuggers = pod.spec.ephemeralContainers ?? [];
  const name = debuggers.find((one) => one.name === spec.container.name)?.targetContainerName;
  return name === undefined || name === "" ? undefined : latestContainer(runtime, name)?.id;
}

async function create(request: StartRequest, config: Config, context: PodContext): Promise<string> {
  const { pod, spec, runtime, replaces } = request;
  const sandbox = currentSandbox(runtime);
  try {
    if (sandbox === undefined) throw new Error("the pod's sandbox has gone");
    if (replaces?.phase === "created")
      await context.cri.removeContainer({ containerId: replaces.id });
    const { containerId } = await context.cri.createContainer({
      podSandboxId: sandbox.id,
      config,
      sandboxConfig: sandboxConfig(
        pod,
        sandbox.attempt,
        context.settings,
        await firstHostIdOf(pod, context),
      ),
    });
    if (containerId === undefined) throw new Error("the runtime gave the container no id");
    return containerId;
  } catch (cause) {
    // The image may have been removed behind the kubelet's back.
    context.images.forgetPresent();
    const message = chainOf(cause);
    context.note(pod, "Warning", "Failed", `Error: ${message}`, spec.container);
    throw new StartError("CreateContainerError", message, undefined, { cause });
  }
}
