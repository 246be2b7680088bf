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

/** After a lost connection the pod is asked for this often, at growing distances. */
const retriesMax = 20;
const retryMsMax = 5_000;

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
}

async function serve(
  { kubectl, tunnel }: Forwarding,
  { local, remote }: ForwardedPort,
  connection: LocalConnection,
): Promise<void> {
  const { terminal } = kubectl;
  terminal.out(`Handling connection for ${local}\n`);
  const failure = await tunnel.connection().then(
    (way) => carry(connection, way.open(remote)),
    (error: unknown) => {
      connection.destroy();
      return chainOf(error);
    },
  );
  if (failure !== "" && !kubectl.signal.aborted)
    terminal.err(`error: an error occurred forwarding ${local} -> ${remote}: ${failure}\n`);
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

/** Waits until the way is there again; a pod that is gone for good ends the command. */
async function reconnect({ kubectl, tunnel }: Forwarding): Promise<void> {
  const { clock, signal, terminal } = kubectl;
  for (let attempt = 0; ; attempt++) {
    try {
      await tunnel.connection();
      terminal.err("Connected again\n");
      return;
    } catch (error) {
      signal.throwIfAborted();
      const isHopeless = isReason(error, "NotFound", "Forbidden", "Unauthorized");
      if (isHopeless || attempt >= retriesMax)
        throw new UsageError(`lost connection to pod: ${chainOf(error)}`, { cause: error });
    }
    await clock.sleep(Math.min(100 * 2 ** attempt, retryMsMax), signal);
  }
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
    const tunnel = new ForwardTunnel(kubectl.openForward, path, {
      signal: kubectl.signal,
      onLost: () => {
        kubectl.terminal.err("Lost connection to pod, connecting again\n");
        reconnect(forwarding).catch(ended.reject);
      },
    });
    const forwarding = { kubectl, tunnel };
    await tunnel.connection();
    const listeners = await listenAll(forwarding, ports, flags.address);
    kubectl.signal.addEventListener("abort", () => ended.resolve(), { once: true });
    try {
      await ended.promise;
    } finally {
      for (const listener of listeners) listener[Symbol.dispose]();
    }
    return 0;
  },
});
