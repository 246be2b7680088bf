/** Which local port leads to which port of a pod. Pure. */
import type { Pod, Service } from "../../api/core/v1.ts";
import { UsageError } from "../base/flags.ts";

export interface ForwardedPort {
  /** 0: any that is free. */
  readonly local: number;
  readonly remote: number;
}

const portMax = 65_535;

function localPort(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= portMax) return Number(text);
  const why = /^\d+$/.test(text) ? "value out of range" : "invalid syntax";
  throw new UsageError(
    `error parsing local port '${text}': strconv.ParseUint: parsing "${text}": ${why}`,
  );
}

function remotePort(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) > portMax) {
    const why = /^\d+$/.test(text) ? "value out of range" : "invalid syntax";
    throw new UsageError(
      `error parsing remote port '${text}': strconv.ParseUint: parsing "${text}": ${why}`,
    );
  }
  if (Number(text) === 0) throw new UsageError("remote port must be > 0");
  return Number(text);
}

/** What a word names: "LOCAL:REMOTE", ":REMOTE", or one port for both sides. */
interface PortWord {
  readonly local: string;
  readonly remote: string;
}

function splitPort(word: string): PortWord {
  const [local = "", remote, ...more] = word.split(":");
  if (more.length > 0) throw new UsageError(`invalid port format '${word}'`);
  return remote === undefined ? { local, remote: local } : { local: local || "0", remote };
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

function namedPodPort(pod: Pod, name: string): number | undefined {
  const containers = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])];
  return containers.flatMap(({ ports = [] }) => ports).find((port) => port.name === name)
    ?.containerPort;
}

/** One word alone names both sides: a name is its number on both. */
const bothSides = (word: PortWord, number: number): PortWord => ({
  local: word.local === word.remote ? `${number}` : word.local,
  remote: `${number}`,
});

function podPort(pod: Pod, word: PortWord): PortWord {
  if (word.remote === "" || isNumber(word.remote)) return word;
  const found = namedPodPort(pod, word.remote);
  if (found !== undefined) return bothSides(word, found);
  throw new UsageError(
    `Pod '${pod.metadata?.name ?? ""}' does not have a named port '${word.remote}'`,
  );
}

/** A service's port is where it listens; a pod is asked for the port that it leads to. */
function servicePort(service: Service, pod: Pod, word: PortWord): PortWord {
  const { name = "" } = service.metadata ?? {};
  const { ports = [], clusterIP } = service.spec ?? {};
  const found = ports.find((port) =>
    isNumber(word.remote) ? port.port === Number(word.remote) : port.name === word.remote,
  );
  if (found === undefined) {
    throw new UsageError(
      isNumber(word.remote)
        ? `Service ${name} does not have a service port ${word.remote}`
        : `Service '${name}' does not have a named port '${word.remote}'`,
    );
  }
  const local = word.local === word.remote ? `${found.port}` : word.local;
  if (clusterIP === "None") return { local, remote: `${found.port}` };
  const target = found.targetPort ?? found.port;
  if (typeof target === "number") return { local, remote: `${target === 0 ? found.port : target}` };
  if (isNumber(target)) return { local, remote: target };
  const number = namedPodPort(pod, target);
  if (number === undefined) {
    throw new UsageError(
      `Pod '${pod.metadata?.name ?? ""}' does not have a named port '${target}'`,
    );
  }
  return { local, remote: `${number}` };
}

/** Throws UsageError for words that name no port of the pod, or of the service before it. */
export function planPorts(
  words: readonly string[],
  pod: Pod,
  service?: Service,
): readonly ForwardedPort[] {
  return words.map((text) => {
    const asked = splitPort(text);
    const word =
      service === undefined || asked.remote === ""
        ? podPort(pod, asked)
        : servicePort(service, pod, asked);
    return { local: localPort(word.local), remote: remotePort(word.remote) };
  });
}

export interface ListenAddress {
  readonly address: string;
  /** May fail as long as another one listens: a machine may lack IPv6. */
  readonly isOptional: boolean;
}

/** "localhost" is both families' loopback. */
export function planAddresses(words: readonly string[]): readonly ListenAddress[] {
  const named = words.flatMap((word) => word.split(","));
  const asked = named.length === 0 ? ["localhost"] : named;
  const all = asked.flatMap((address) => {
    if (address !== "localhost") {
      if (!/^[0-9.]+$|^[0-9a-fA-F:.]+$/.test(address))
        throw new UsageError(`${address} is not a valid IP`);
      return [{ address, isOptional: false }];
    }
    return ["127.0.0.1", "::1"].map((one) => ({ address: one, isOptional: true }));
  });
  return [...new Map(all.map((one) => [one.address, one])).values()];
}
