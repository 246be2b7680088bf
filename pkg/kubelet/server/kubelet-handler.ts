/**
 * The kubelet's own API: logs, pods, health, figures, and commands run to their end. Exec, attach
 * and port-forward take connections over and are in `upgrade.ts`.
 */
import type { Handler, WireRequest, WireResponse } from "../../base/wire.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { statusAnswer } from "../../serving/status-answer.ts";
import { isTerminalPhase } from "../pods/pod-spec.ts";
import { containerLogs } from "./container-logs.ts";
import { nodeLogs } from "./node-logs.ts";
import { accessOf, findRunning, findWorker, type ServerParts } from "./server-parts.ts";
import { cadvisorMetrics } from "./cadvisor-metrics.ts";
import { resourceMetrics, statsSummary } from "./stats-summary.ts";

export type { Authorize } from "./server-parts.ts";

interface Call {
  readonly request: WireRequest;
  readonly query: URLSearchParams;
  /** What follows the route's name in the path. */
  readonly rest: readonly string[];
}

type Route = (call: Call, parts: ServerParts) => Promise<WireResponse> | WireResponse;

const respond = (body: string, contentType: string): WireResponse => ({
  status: 200,
  headers: { "content-type": contentType },
  body: Buffer.from(body),
});
const text = (body: string): WireResponse => respond(body, "text/plain; charset=utf-8");
const json = (value: unknown): WireResponse => respond(JSON.stringify(value), "application/json");

/** By the first segment of the path. */
const routes: Readonly<Record<string, Route>> = {
  healthz: () => text("ok"),
  pods: (_call, { pods }) =>
    json({ kind: "PodList", apiVersion: "v1", metadata: {}, items: pods.withStatus() }),
  runningpods: (_call, { pods }) =>
    json({
      kind: "PodList",
      apiVersion: "v1",
      metadata: {},
      items: pods.withStatus().filter(({ status }) => !isTerminalPhase(status?.phase)),
    }),
  containerLogs: ({ rest, query, request }, parts) => containerLogs(rest, query, request, parts),
  configz: (_call, { configuration }) => json({ kubeletconfig: configuration }),
  run: (call, parts) => runCommand(call, parts),
  stats: async ({ rest }, parts) => {
    if (rest[0] !== "summary") throw notFound(`/stats/${rest.join("/")}`);
    return json(await summary(parts));
  },
  metrics: (call, parts) => metrics(call, parts),
  logs: ({ rest, request }) => nodeLogs(rest, request.signal),
};

const notFound = (path: string): StatusError =>
  new StatusError("NotFound", `the kubelet has nothing at ${path}`);

/** Authorises each request and routes it; every failure is a `metav1.Status`. */
export const createKubeletHandler =
  (parts: ServerParts): Handler =>
  async (request) => {
    try {
      const url = new URL(request.path, "https://kubelet");
      const [, first = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
      // A path that the kubelet does not know is refused before it says so.
      await parts.authorize(accessOf(request));
      const route = Object.hasOwn(routes, first) ? routes[first] : undefined;
      if (route === undefined) throw notFound(url.pathname);
      return await route({ request, query: url.searchParams, rest }, parts);
    } catch (error) {
      return statusAnswer(error);
    }
  };

async function summary({ context, machine }: ServerParts): Promise<object> {
  const { cri, clock, settings } = context;
  const [readings, { stats = [] }] = await Promise.all([
    machine.read(),
    cri.listPodSandboxStats({}),
  ]);
  const { nodeName } = settings;
  return statsSummary({ nodeName, machine, readings, nowMs: clock.now(), pods: stats });
}

async function metrics({ rest }: Call, { context, pods }: ServerParts): Promise<WireResponse> {
  const contentType = "text/plain; version=0.0.4; charset=utf-8";
  if (rest[0] === "cadvisor") {
    const [{ descriptors = [] }, { podMetrics = [] }] = await Promise.all([
      context.cri.listMetricDescriptors({}),
      context.cri.listPodSandboxMetrics({}),
    ]);
    return respond(cadvisorMetrics(descriptors, podMetrics), contentType);
  }
  if (rest[0] === "resource") {
    const { stats = [] } = await context.cri.listPodSandboxStats({});
    return respond(resourceMetrics(stats), contentType);
  }
  const running = context.runtime.pods();
  const containers = running.flatMap((pod) => pod.containers);
  const count = (phase: string): number => containers.filter((one) => one.phase === phase).length;
  const up = running.filter(({ sandboxes }) => sandboxes[0]?.isReady === true);
  const lines = [
    "# HELP kubelet_running_pods Pods with a running sandbox",
    "# TYPE kubelet_running_pods gauge",
    `kubelet_running_pods ${up.length}`,
    "# HELP kubelet_running_containers Containers by state",
    "# TYPE kubelet_running_containers gauge",
    ...["created", "running", "exited", "unknown"].map(
      (phase) => `kubelet_running_containers{container_state="${phase}"} ${count(phase)}`,
    ),
    "# HELP kubelet_desired_pods Pods that are bound to this node or lie in its manifests",
    "# TYPE kubelet_desired_pods gauge",
    `kubelet_desired_pods ${pods.pods().length}`,
    "",
  ];
  return respond(lines.join("\n"), contentType);
}

/** /run/{namespace}/{pod}/{container}?cmd=…: a command run to its end, its output as the answer. */
async function runCommand({ rest, query }: Call, parts: ServerParts): Promise<WireResponse> {
  const [namespace = "", name = "", container = ""] = rest;
  const found = findRunning(parts, findWorker(parts, namespace, name), container);
  const cmd = query.getAll("cmd");
  if (cmd.length === 0) throw new StatusError("BadRequest", "cmd: Required value");
  const answer = await parts.context.cri.execSync({ containerId: found.id, cmd, timeout: 0n });
  const output = Buffer.concat([answer.stdout ?? Buffer.of(), answer.stderr ?? Buffer.of()]);
  return { status: 200, headers: { "content-type": "text/plain" }, body: output };
}
