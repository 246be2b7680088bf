import type { Pod, Service } from "../../../api/core/v1.ts";
import { durationMs } from "../../base/duration.ts";
import { chainOf } from "../../base/errors.ts";
import { UsageError } from "../../base/flags.ts";
import { isReason } from "../../machinery/status-error.ts";
import {
  defineCommand,
  type ForwardStream,
  type Kubectl,
  type Listener,
  type LocalConnection,
} from "../command.ts";
import { ForwardTunnel } from "../forward-tunnel.ts";
import { podOf } from "../pod-args.ts";
import { planAddresses, planPorts, type ForwardedPort } from "../port-forward-plan.ts";
import { pathOf } from "../resource-mapper.ts";

async function copy(
  from: AsyncIterable<Uint8Array>,
  to: { write(data: Uint8Array): Promise<void>; end(): void },
): Promise<void> {
  try {
    for await (const piece of from) await to.write(piece);
  } finally {
    to.end();
  }
}

/** Both ways, each until its sender ends; whichever breaks ends the other. */
async function carry(local: LocalConnection, stream: ForwardStream): Promise<string> {
  const sending = copy(local.received, stream).catch(() => stream.reset());
  await copy(stream.received, local).catch(() => stream.reset());
  const failure = await stream.failure;
  if (failure !== "") local.destroy();
  await sending;
  return failure;
}

interface Forwarding {
  readonly kubectl: Kubectl;
  readonly tunnel: ForwardTunnel;
  /** The pod that the tunnel leads to now. */
  readonly pod: () => Pod;
}

async function serve(
  { kubectl, tunnel, pod }: Forwarding,
  { local, remote }: ForwardedPort,
  connection: LocalConnection,
): Promise<void> {
  const { terminal } = kubectl;
  terminal.out(`Handling connection for ${local}\n`);
  const before = pod();
  const failure = await tunnel.connection().then(
    (way) => carry(connection, way.open(remote)),
    (error: unknown) => {
      connection.destroy();
      return chainOf(error);
    },
  );
  if (failure === "" || kubectl.signal.aborted) return;
  terminal.err(`error: an error occurred forwarding ${local} -> ${remote}: ${failure}\n`);
  if (pod() === before && !(await isStillThere(kubectl, before))) tunnel.drop();
}

async function listenAll(
  forwarding: Forwarding,
  ports: readonly ForwardedPort[],
  addressWords: readonly string[],
): Promise<readonly Listener[]> {
  const { kubectl } = forwarding;
  const { terminal } = kubectl;
  const machine = await kubectl.local();
  const listeners: Listener[] = [];
  const unheard: ForwardedPort[] = [];
  for (const { local, remote } of ports) {
    let port = local;
    const problems: string[] = [];
    const before = listeners.length;
    for (const { address, isOptional } of planAddresses(addressWords)) {
      try {
        const at = { address, port };
        const listener = await machine.listen(at, (connection) =>
          serve(forwarding, { local: port, remote }, connection),
        );
        port = listener.port;
        listeners.push(listener);
        const shown = address.includes(":") ? `[${address}]` : address;
        terminal.out(`Forwarding from ${shown}:${port} -> ${remote}\n`);
      } catch (error) {
        problems.push(chainOf(error));
        if (!isOptional) break;
      }
    }
    if (listeners.length > before) continue;
    unheard.push({ local, remote });
    terminal.err(
      `Unable to listen on port ${local}: Listeners failed to create with the following errors: [${problems.join(" ")}]\n`,
    );
  }
  if (listeners.length > 0) return listeners;
  const all = unheard.map(({ local, remote }) => `{${local} ${remote}}`).join(" ");
  throw new UsageError(`unable to listen on any of the requested ports: [${all}]`);
}

function checkRunning({ status }: Pod): void {
  if (status?.phase === "Running") return;
  throw new UsageError(
    `unable to forward port because pod is not running. Current status=${status?.phase ?? ""}`,
  );
}

/** False once its processes are not to be reached any more. */
async function isStillThere(kubectl: Kubectl, { metadata }: Pod): Promise<boolean> {
  const path = `/api/v1/namespaces/${metadata?.namespace}/pods/${metadata?.name}`;
  return kubectl.api.send<Pod>({ method: "GET", path }).then(
    (now) =>
      now.metadata?.uid === metadata?.uid &&
      now.metadata?.deletionTimestamp === undefined &&
      now.status?.phase === "Running",
    (error: unknown) => !isReason(error, "NotFound"),
  );
}

async function serviceOf(kubectl: Kubectl, word: string): Promise<Service | undefined> {
  const [type = "", name] = word.split("/");
  if (name === undefined) return undefined;
  const resource = (await kubectl.mapper([type])).byName(type);
  if (resource.kind !== "Service" || resource.group !== "") return undefined;
  const path = pathOf(resource, { namespace: kubectl.namespace, name });
  return kubectl.api.send<Service>({ method: "GET", path });
}

export const portForward = defineCommand({
  usage: "port-forward TYPE/NAME [LOCAL_PORT:]REMOTE_PORT [...]",
  flags: {
    address: { kind: "list", help: "Addresses to listen at (localhost)" },
    "pod-running-timeout": { kind: "text", help: "How long a pod may take to run (1m)" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const [word, ...words] = args;
    if (word === undefined || words.length === 0) {
      throw new UsageError(
        "TYPE/NAME and list of ports are required for port-forward\nSee 'tskubectl port-forward -h' for help and examples",
      );
    }
    if (durationMs(flags["pod-running-timeout"] ?? "1m") <= 0)
      throw new UsageError("--pod-running-timeout must be higher than zero");
    const service = await serviceOf(kubectl, word);
    let pod = await podOf(kubectl, word);
    const ports = planPorts(words, pod, service);
    let isFirst = true;
    const path = async (): Promise<string> => {
      if (!isFirst) pod = await podOf(kubectl, word);
      isFirst = false;
      checkRunning(pod);
      const { namespace = "", name = "" } = pod.metadata ?? {};
      return `/api/v1/namespaces/${namespace}/pods/${name}/portforward`;
    };
    const ended = Promise.withResolvers<void>();
    const { signal, clock, terminal, openForward: open } = kubectl;
    const tunnel = new ForwardTunnel({
      path,
      open,
      clock,
      signal,
      onLost: () => terminal.err("Lost connection to pod, looking for it again\n"),
      onBack: () => terminal.err(`Connected to pod ${pod.metadata?.name ?? ""}\n`),
      onGone: (cause) => ended.reject(new UsageError("lost connection to pod", { cause })),
    });
    const forwarding = { kubectl, tunnel, pod: () => pod };
    await tunnel.connection();
    const listeners = await listenAll(forwarding, ports, flags.address);
    signal.addEventListener("abort", () => ended.resolve(), { once: true });
    try {
      await ended.promise;
    } finally {
      for (const listener of listeners) listener[Symbol.dispose]();
    }
    return 0;
  },
});
