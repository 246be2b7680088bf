/**
 * KubeletConfiguration (kubelet.config.k8s.io/v1beta1): the fields of it that tskubelet has. Pure.
 */
import { parse, stringify } from "yaml";
import type { Taint } from "../../api/core/v1.ts";
import { quantityMilliValue, quantityValue } from "../machinery/quantity.ts";
import { kubeletGroup } from "./configuration-documents.ts";
import { FieldReader } from "./field-reader.ts";
import type { Fields } from "./strict-fields.ts";

export interface KubeletSettings {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly podsMax: number;
  readonly port: number;
  /** Where the kubelet's own API listens. */
  readonly address: string;
  /** Processes a pod; absent: no limit. */
  readonly podPidsMax?: number;
  /** Of the node, from its first registration on. */
  readonly taints: readonly Taint[];
  /** What is kept from pods. */
  readonly reserved: { readonly cpuMillis: number; readonly memoryBytes: number };
  /** evictionHard: signal → quantity or percentage; what is not in it is as usual. */
  readonly evictionHard: Readonly<Record<string, string>>;
}

export const defaultKubeletSettings: KubeletSettings = {
  clusterDns: [],
  clusterDomain: "cluster.local",
  podsMax: 110,
  port: 10_250,
  address: "0.0.0.0",
  taints: [],
  reserved: { cpuMillis: 0, memoryBytes: 0 },
  evictionHard: {},
};

const apiVersion = `${kubeletGroup.group}/${kubeletGroup.version}`;
const kind = "KubeletConfiguration";

/** What the cluster itself says of its kubelets, where no file does. */
export interface ClusterNames {
  readonly clusterDns: readonly string[];
  readonly clusterDomain?: string;
}

/**
 * The document, YAML, as the ConfigMap kubelet-config and /var/lib/tskube/config.yaml have it;
 * `given`: fields of a configuration file, which stand over ours.
 */
export const kubeletConfigurationText = (names: ClusterNames, given: Fields = {}): string =>
  stringify({
    apiVersion,
    kind,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true } },
    authorization: { mode: "Webhook" },
    cgroupDriver: "cgroupfs",
    clusterDNS: names.clusterDns,
    clusterDomain: names.clusterDomain ?? defaultKubeletSettings.clusterDomain,
    maxPods: defaultKubeletSettings.podsMax,
    port: defaultKubeletSettings.port,
    rotateCertificates: true,
    serverTLSBootstrap: true,
    staticPodPath: "/etc/tskube/manifests",
    ...given,
  });

/** The same document with what is said of this one machine. */
export const withTaints = (text: string, taints: readonly Taint[] | undefined): string =>
  taints === undefined
    ? text
    : stringify({ ...(parse(text) as Fields), registerWithTaints: taints });

/** Throws, naming `file`, where the text is something else, or a field is of another type. */
export function parseKubeletConfiguration(text: string, file: string): KubeletSettings {
  const value = parse(text) as Fields | null;
  if (value?.["kind"] !== kind || value["apiVersion"] !== apiVersion) {
    throw new Error(`${file}: expected a ${kind} of ${apiVersion}`);
  }
  return kubeletSettings(value, file);
}

export function kubeletSettings(fields: Fields, file: string): KubeletSettings {
  const reader = new FieldReader(fields, file);
  const defaults = defaultKubeletSettings;
  const podPidsMax = reader.number("podPidsLimit") ?? -1;
  return {
    clusterDns: reader.texts("clusterDNS") ?? [],
    clusterDomain: reader.text("clusterDomain") ?? defaults.clusterDomain,
    podsMax: positive(reader, "maxPods", defaults.podsMax),
    port: positive(reader, "port", defaults.port),
    address: reader.text("address") ?? defaults.address,
    ...(podPidsMax > 0 ? { podPidsMax } : {}),
    taints: (reader.list("registerWithTaints") ?? []) as readonly Taint[],
    reserved: reservedOf(reader),
    evictionHard: evictionOf(reader),
  };
}

function positive(reader: FieldReader, path: string, otherwise: number): number {
  const found = reader.number(path) ?? otherwise;
  if (found < 1) throw reader.wrong(path, `is ${found}, not a positive whole number`);
  return found;
}

/** Both lists together: one is the system's share, the other Kubernetes' own. */
function reservedOf(reader: FieldReader): KubeletSettings["reserved"] {
  let [cpuMillis, memoryBytes] = [0, 0];
  for (const path of ["systemReserved", "kubeReserved"]) {
    const { cpu = "0", memory = "0" } = reader.textMap(path) ?? {};
    try {
      cpuMillis += quantityMilliValue(cpu);
      memoryBytes += quantityValue(memory);
    } catch (cause) {
      throw Object.assign(reader.wrong(path, "is not a map of quantities"), { cause });
    }
  }
  return { cpuMillis, memoryBytes };
}

const evictionSignals = ["memory.available", "nodefs.available", "nodefs.inodesFree"] as const;

function evictionOf(reader: FieldReader): Readonly<Record<string, string>> {
  const found = reader.textMap("evictionHard") ?? {};
  for (const [signal, threshold] of Object.entries(found)) {
    if (/^\d+(\.\d+)?%$/.test(threshold)) continue;
    if (signal === "nodefs.inodesFree")
      throw reader.wrong("evictionHard", `has ${signal}: ${threshold}, which is told in percent`);
    try {
      quantityValue(threshold);
    } catch (cause) {
      const because = `has ${signal}: ${threshold}, which is no quantity and no percentage`;
      throw Object.assign(reader.wrong("evictionHard", because), { cause });
    }
  }
  return found;
}

/** Signals of evictionHard that have no effect here. */
export const idleEvictionSignals = ({ evictionHard }: KubeletSettings): readonly string[] =>
  Object.keys(evictionHard).filter(
    (signal) => !(evictionSignals as readonly string[]).includes(signal),
  );
