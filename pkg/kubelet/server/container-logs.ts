import type { WireRequest, WireResponse } from "../../base/wire.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { findContainer } from "../pods/pod-spec.ts";
import type { RuntimeContainer } from "../runtime/runtime-pod.ts";
import type { PodWorker } from "../worker/pod-worker.ts";
import { readLog, type LogRequest } from "./log-reader.ts";
import { findWorker, type ServerParts } from "./server-parts.ts";

/** v1.PodLogOptions as the query has them. Throws StatusError BadRequest. */
export function parseLogQuery(
  query: URLSearchParams,
  nowMs: number,
): LogRequest & { readonly previous: boolean } {
  const sinceMs = sinceOf(query, nowMs);
  const tailLines = wholeNumber(query, "tailLines", 0);
  const limitBytes = wholeNumber(query, "limitBytes", 1);
  const stream = query.get("stream");
  return {
    follow: query.get("follow") === "true" || query.get("follow") === "1",
    previous: query.get("previous") === "true" || query.get("previous") === "1",
    timestamps: query.get("timestamps") === "true" || query.get("timestamps") === "1",
    ...(sinceMs === undefined ? {} : { sinceMs }),
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(stream === "Stdout" ? { stream: "stdout" } : {}),
    ...(stream === "Stderr" ? { stream: "stderr" } : {}),
  };
}

function wholeNumber(query: URLSearchParams, name: string, least: number): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least) return value;
  throw new StatusError("BadRequest", `${name} must be a whole number of at least ${least}`);
}

function sinceOf(query: URLSearchParams, nowMs: number): number | undefined {
  const seconds = wholeNumber(query, "sinceSeconds", 1);
  if (seconds !== undefined) return nowMs - seconds * 1000;
  const time = query.get("sinceTime");
  if (time === null || time === "") return undefined;
  const ms = Date.parse(time);
  if (Number.isNaN(ms)) throw new StatusError("BadRequest", "sinceTime must be a time of RFC 3339");
  return ms;
}

/** /containerLogs/{namespace}/{pod}/{container} */
export function containerLogs(
  [namespace = "", name = "", container = ""]: readonly string[],
  query: URLSearchParams,
  request: WireRequest,
  parts: ServerParts,
): WireResponse {
  const options = parseLogQuery(query, parts.context.clock.now());
  const worker = findWorker(parts, namespace, name);
  const found = chooseContainer(worker, container, options.previous, parts);
  const { ended, release } = endOf(found, worker, parts);
  const log = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* readLog(found.logPath, options, ended, request.signal);
    } finally {
      release();
    }
  };
  return {
    status: 200,
    headers: { "content-type": "text/plain", "cache-control": "no-store" },
    body: log(),
  };
}

function chooseContainer(
  worker: PodWorker,
  name: string,
  previous: boolean,
  { context }: ServerParts,
): RuntimeContainer {
  const where = `container "${name}" in pod "${worker.pod.metadata?.name ?? ""}"`;
  if (findContainer(worker.pod, name) === undefined)
    throw new StatusError("BadRequest", `${where} is not available`);
  const all = (context.runtime.get(worker.uid)?.containers ?? []).filter(
    (container) => container.name === name,
  );
  const started = all.filter(({ startedAtMs }) => startedAtMs > 0);
  const isWaiting = all[0] !== undefined && all[0].phase === "exited" && waits(worker, name);
  if (previous) {
    const before = isWaiting ? started[0] : started[1];
    if (before === undefined)
      throw new StatusError("BadRequest", `previous terminated ${where} not found`);
    return before;
  }
  const [latest] = started;
  if (latest !== undefined) return latest;
  const reason = statusOf(worker, name)?.state?.waiting?.reason ?? "ContainerCreating";
  throw new StatusError("BadRequest", `${where} is waiting to start: ${reason}`);
}

const statusOf = ({ status }: PodWorker, name: string) =>
  [
    ...(status?.containerStatuses ?? []),
    ...(status?.initContainerStatuses ?? []),
    ...(status?.ephemeralContainerStatuses ?? []),
  ].find((one) => one.name === name);

const waits = (worker: PodWorker, name: string): boolean =>
  statusOf(worker, name)?.state?.waiting !== undefined;

/** A signal that aborts when the container has ended, so that who follows its log is let go. */
function endOf(
  container: RuntimeContainer,
  worker: PodWorker,
  { context }: ServerParts,
): { readonly ended: AbortSignal; readonly release: () => void } {
  const over = new AbortController();
  const check = (): void => {
    const now = context.runtime.get(worker.uid)?.containers.find(({ id }) => id === container.id);
    if (now === undefined || now.phase === "exited") over.abort();
  };
  const listening = context.runtime.onChange((uid) => {
    if (uid === worker.uid) check();
  });
  check();
  return { ended: over.signal, release: () => listening[Symbol.dispose]() };
}
