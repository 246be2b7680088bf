import type { Peer } from "../../base/wire.ts";
import { StatusError } from "../../machinery/status-error.ts";
import type { Machine } from "../node/machine.ts";
import type { PodSet } from "../pods/pod-set.ts";
import type { RuntimeContainer } from "../runtime/runtime-pod.ts";
import type { PodContext } from "../worker/pod-context.ts";
import type { PodWorker } from "../worker/pod-worker.ts";

/** A request to the kubelet as the API server's authorizer is asked about it: on nodes/<name>. */
export interface NodeAccess {
  readonly peer: Peer;
  /** Names in lower case; a bearer token is in `authorization`. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly verb: "get" | "create" | "update" | "delete" | "patch";
  /** "proxy" for everything that runs or reads in containers. */
  readonly subresource: "proxy" | "log" | "metrics" | "stats" | "healthz" | "pods" | "configz";
  readonly path: string;
}

/** Rejects with StatusError Unauthorized or Forbidden. */
export type Authorize = (access: NodeAccess) => Promise<void>;

/** What the kubelet's server answers from. */
export interface ServerParts {
  readonly pods: PodSet;
  readonly context: PodContext;
  readonly authorize: Authorize;
  /** Told at /configz. */
  readonly configuration: object;
  readonly machine: Machine;
}

const subresources: Readonly<Record<string, NodeAccess["subresource"]>> = {
  stats: "stats",
  metrics: "metrics",
  logs: "log",
  healthz: "healthz",
  pods: "pods",
  runningpods: "pods",
  configz: "configz",
};

const verbs: Readonly<Record<string, NodeAccess["verb"]>> = {
  GET: "get",
  HEAD: "get",
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

export const accessOf = (request: {
  readonly method: string;
  readonly path: string;
  readonly peer: Peer;
  readonly headers: NodeAccess["headers"];
}): NodeAccess => ({
  peer: request.peer,
  headers: request.headers,
  verb: verbs[request.method] ?? "get",
  subresource: subresources[request.path.split(/[/?]/)[1] ?? ""] ?? "proxy",
  path: request.path,
});

/** Throws StatusError NotFound. */
export function findWorker(parts: ServerParts, namespace: string, name: string): PodWorker {
  const worker = parts.pods.byName(`${namespace}/${name}`);
  if (worker === undefined)
    throw new StatusError("NotFound", `pod "${name}" not found in namespace "${namespace}"`);
  return worker;
}

/** The newest container of that name that runs. Throws StatusError NotFound. */
export function findRunning(
  parts: ServerParts,
  worker: PodWorker,
  container: string,
): RuntimeContainer {
  const runtime = parts.context.runtime.get(worker.uid);
  const found = runtime?.containers.find(({ name }) => name === container);
  if (found?.phase === "running") return found;
  throw new StatusError("NotFound", `container not found ("${container}")`);
}
