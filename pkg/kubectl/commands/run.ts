import type { Pod } from "../../../api/core/v1.ts";
import { durationMs } from "../../base/duration.ts";
import { chainOf } from "../../base/errors.ts";
import { UsageError, type Flags } from "../../base/flags.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import type { Generated } from "../generate/config-plan.ts";
import { imageProblem } from "../generate/image-name.ts";
import { overridden, overrideFlags } from "../generate/override-plan.ts";
import { pod, type PodWanted } from "../generate/pod-plan.ts";
import { podOutcome, runProblem } from "../generate/run-plan.ts";
import type { ObjectTarget } from "../object-args.ts";
import { objectPrinter } from "../print/output.ts";
import { pathOf } from "../resource-mapper.ts";
import { waitGone } from "../wait-gone.ts";
import { watchUntil } from "../watch-until.ts";
import { attachTo } from "./attach.ts";
import { createFlags, createObject, required } from "./create/create-object.ts";

const flags = {
  ...createFlags,
  ...overrideFlags,
  image: { kind: "text", help: "The image that the container runs" },
  "image-pull-policy": { kind: "text", help: "Always, IfNotPresent or Never" },
  restart: { kind: "text", help: "Always (the default), OnFailure or Never" },
  env: { kind: "list", help: "A variable of the container: KEY=VALUE" },
  labels: { short: "l", kind: "text", help: "Labels of the pod: a=b,c=d" },
  annotations: { kind: "list", help: "Annotations of the pod: KEY=VALUE" },
  port: { kind: "number", help: "The port that the container listens at" },
  expose: { kind: "bool", help: "With --port: make a service that leads there" },
  command: { kind: "bool", help: "The words are the command, not its arguments" },
  privileged: { kind: "bool", help: "The container may do anything" },
  stdin: { short: "i", kind: "bool", help: "Pass standard input to the container" },
  tty: { short: "t", kind: "bool", help: "Give the container a terminal" },
  attach: { kind: "text", alone: "true", help: "Join the container (as -i does)" },
  "leave-stdin-open": { kind: "bool", help: "Do not end its input with the first session" },
  rm: { kind: "bool", help: "Delete the pod when the session ends" },
  quiet: { short: "q", kind: "bool", help: "Only the container's own output" },
  "pod-running-timeout": { kind: "text", help: "How long it may take to start (1m)" },
} as const;
type RunFlags = Flags<typeof flags>;

const runningTimeout = "1m";

const wantedPod = (name: string, given: RunFlags, words: readonly string[]): PodWanted => ({
  name,
  words,
  image: given.image ?? "",
  restart: given.restart ?? "Always",
  pullPolicy: given["image-pull-policy"],
  env: given.env,
  labels: given.labels,
  annotations: given.annotations,
  port: given.port,
  isCommand: given.command,
  stdin: given.stdin,
  tty: given.tty,
  leaveStdinOpen: given["leave-stdin-open"],
  privileged: given.privileged,
});

const exposing = (name: string, made: Generated, port: number): Generated => ({
  kind: "Service",
  apiVersion: "v1",
  metadata: { name },
  spec: {
    ports: [{ protocol: "TCP", port, targetPort: port }],
    selector: made.metadata["labels"],
  },
  status: { loadBalancer: {} },
});

async function copyLogs({ api, terminal }: Kubectl, made: Pod, query: string): Promise<void> {
  const { name, namespace } = made.metadata ?? {};
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/log?${query}`;
  for await (const piece of await api.stream({ method: "GET", path, accept: "*/*" }))
    await terminal.write(1, piece);
}

const isOver = (found: Pod | undefined): boolean =>
  found?.status?.phase === "Succeeded" || found?.status?.phase === "Failed";
const isUp = (found: Pod | undefined): boolean =>
  found?.status?.phase === "Running" &&
  (found.status.conditions ?? []).some((one) => one.type === "Ready" && one.status === "True");

/** Joins the container while it runs; where it is over already its log tells what it said. */
async function join(kubectl: Kubectl, target: ObjectTarget, given: RunFlags): Promise<void> {
  const text = given["pod-running-timeout"] ?? runningTimeout;
  const overdue = new AbortController();
  using _alarm = kubectl.clock.after(durationMs(text), () => overdue.abort());
  const life = AbortSignal.any([kubectl.signal, overdue.signal]);
  const { object } = await watchUntil<Pod>(
    kubectl,
    target,
    (found) => found === undefined || isOver(found) || isUp(found),
    life,
  ).catch((error: unknown) => {
    if (!overdue.signal.aborted) throw error;
    throw new UsageError("timed out waiting for the condition");
  });
  if (object === undefined) throw new UsageError(`pods "${target.name}" not found`);
  const container = object.spec?.containers[0]?.name ?? "";
  const query = new URLSearchParams({ container });
  if (isOver(object)) return copyLogs(kubectl, object, query.toString());
  const { terminal } = kubectl;
  // What it said before anybody listened is in its log only.
  await copyLogs(kubectl, object, query.toString()).catch((error: unknown) =>
    terminal.err(`warning: couldn't fetch pre-attach logs: ${chainOf(error)}\n`),
  );
  const asked = { container, stdin: given.stdin, tty: given.tty, quiet: given.quiet };
  try {
    await attachTo(kubectl, object, asked);
  } catch (error) {
    kubectl.signal.throwIfAborted();
    if (!given.quiet) {
      terminal.err(
        `warning: couldn't attach to pod/${target.name}, falling back to streaming logs: ${chainOf(error)}\n`,
      );
    }
    query.set("follow", "true");
    await copyLogs(kubectl, object, query.toString());
  }
}

async function remove(kubectl: Kubectl, target: ObjectTarget, given: RunFlags): Promise<void> {
  // Whoever stops the command wants the pod gone too.
  const overdue = new AbortController();
  using _alarm = kubectl.clock.after(removalMs, () => overdue.abort());
  const { uid } =
    (
      await kubectl.api.send<Pod>(
        {
          method: "DELETE",
          path: target.path,
          body: { kind: "DeleteOptions", apiVersion: "v1", propagationPolicy: "Background" },
        },
        overdue.signal,
      )
    ).metadata ?? {};
  if (!given.quiet)
    kubectl.terminal.out(`pod "${target.name}" deleted from ${target.namespace} namespace\n`);
  if (!kubectl.signal.aborted) await waitGone(kubectl, target, uid, kubectl.signal);
}
const removalMs = 30_000;

/** The session, and what the container made of it. */
async function session(kubectl: Kubectl, target: ObjectTarget, given: RunFlags): Promise<number> {
  await join(kubectl, target, given);
  if (given["leave-stdin-open"] || (given.restart ?? "Always") === "Always") return 0;
  const isEnd = (found: Pod | undefined): boolean =>
    found === undefined ||
    found.status?.phase === "Succeeded" ||
    (given.restart === "Never" && found.status?.phase === "Failed");
  const { object } = await watchUntil<Pod>(kubectl, target, isEnd, kubectl.signal);
  const { exitCode, told } = podOutcome(object, target);
  if (told !== undefined) kubectl.terminal.err(`${told}\n`);
  return exitCode;
}

export const run = defineCommand({
  usage: "run NAME --image=IMAGE [--env=KEY=VALUE] [--port=PORT] [-it] [--rm] [-- ARG...]",
  flags,
  run: async (kubectl, { flags: given, args, rest = [] }) => {
    required(given, "image");
    const [name, ...words] = args;
    if (name === undefined)
      throw new UsageError(
        "NAME is required for run\nSee 'tskubectl run -h' for help and examples",
      );
    const isAttached =
      given.attach === undefined ? given.stdin || given.tty : given.attach === "true";
    const problem = imageProblem(given.image ?? "");
    if (problem !== undefined)
      throw new UsageError(`invalid image name "${given.image}": ${problem}`);
    const timeoutMs = durationMs(given["pod-running-timeout"] ?? runningTimeout);
    const refusal = runProblem({ ...given, isAttached, timeoutMs, dryRun: given["dry-run"] });
    if (refusal !== undefined) throw new UsageError(refusal);

    const plain = pod(wantedPod(name, given, [...words, ...rest]));
    const made = overridden(plain, given.overrides, given["override-type"]);
    const printer = objectPrinter(given.output, (object) => {
      const { kind = "", metadata } = object as Partial<Generated>;
      return `${kind.toLowerCase()}/${metadata?.name ?? ""}`;
    });
    const manager = "kubectl-run";
    const common = { manager, printer, isSilent: isAttached };
    const created = await createObject(kubectl, given, {
      resource: "pods",
      object: made,
      ...common,
    });
    if (given.expose) {
      const object = exposing(name, made, given.port ?? 0);
      await createObject(kubectl, given, { resource: "services", object, ...common });
    }
    if (!isAttached) return 0;
    const { name: podName = name, namespace = kubectl.namespace } = created.metadata ?? {};
    const resource = (await kubectl.mapper(["pods"])).byName("pods");
    const path = pathOf(resource, { namespace, name: podName });
    const target = { resource, namespace, name: podName, path };
    if (!given.rm) return session(kubectl, target, given);
    try {
      return await session(kubectl, target, given);
    } finally {
      await remove(kubectl, target, given);
    }
  },
});
