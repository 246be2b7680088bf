/**
 * A pod as the container runtime reports it: what is, as opposed to what is wanted. Everything the
 * kubelet knows of running containers is in here, and all of it comes from the runtime, so that a
 * kubelet that was killed knows as much after its restart as before.
 */
export type ContainerPhase = "created" | "running" | "exited" | "unknown";

export interface RuntimeContainer {
  readonly id: string;
  /** Name in the pod's spec. */
  readonly name: string;
  readonly sandboxId: string;
  readonly phase: ContainerPhase;
  /** How often the container was started before this one: the attempt. */
  readonly restartCount: number;
  /** Of the part of the container's spec whose change means a restart. */
  readonly hash: string;
  readonly createdAtMs: number;
  /** 0: never started. */
  readonly startedAtMs: number;
  /** 0: not finished. */
  readonly finishedAtMs: number;
  readonly exitCode: number;
  readonly reason: string;
  readonly message: string;
  /** As the pod's spec named it. */
  readonly image: string;
  /** What the runtime resolved it to. */
  readonly imageRef: string;
  readonly logPath: string;
  readonly terminationMessagePath: string;
  readonly terminationMessagePolicy: string;
  readonly user?: {
    readonly uid: number;
    readonly gid: number;
    readonly supplementalGroups: readonly number[];
  };
}

export interface RuntimeSandbox {
  readonly id: string;
  readonly isReady: boolean;
  readonly attempt: number;
  readonly createdAtMs: number;
  /** The first is the primary one. Empty on the host's network. */
  readonly ips: readonly string[];
}

export interface RuntimePod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Newest first. */
  readonly sandboxes: readonly RuntimeSandbox[];
  /** Newest first. */
  readonly containers: readonly RuntimeContainer[];
}

export const emptyRuntimePod = (
  pod: Pick<RuntimePod, "uid" | "namespace" | "name">,
): RuntimePod => ({
  uid: pod.uid,
  namespace: pod.namespace,
  name: pod.name,
  sandboxes: [],
  containers: [],
});

/** The sandbox in which containers may run now. */
export const currentSandbox = (pod: RuntimePod): RuntimeSandbox | undefined =>
  pod.sandboxes[0]?.isReady === true ? pod.sandboxes[0] : undefined;

/** The newest container of that name, whichever sandbox it is or was in. */
export const latestContainer = (pod: RuntimePod, name: string): RuntimeContainer | undefined =>
  pod.containers.find((container) => container.name === name);

/** Containers with processes, or that may have some. */
export const aliveContainers = (pod: RuntimePod): readonly RuntimeContainer[] =>
  pod.containers.filter(({ phase }) => phase === "running" || phase === "unknown");

/** Containers in which a process is or may be: what must end before a pod has ended. */
export const hasEnded = (pod: RuntimePod): boolean =>
  aliveContainers(pod).length === 0 && pod.sandboxes.every((sandbox) => !sandbox.isReady);
