/** What tskube-proxy reads of a KubeProxyConfiguration. Pure. */
import { parse } from "yaml";
import { proxyGroup } from "./configuration-documents.ts";
import { FieldReader } from "./field-reader.ts";
import type { Fields } from "./strict-fields.ts";

export interface Listen {
  readonly address: string;
  readonly port: number;
}

export interface ProxySettings {
  readonly kubeconfig?: string;
  /** This node's name, where it is not the host's. */
  readonly hostnameOverride?: string;
  /** Of /healthz and /livez. */
  readonly health: Listen;
  /** Of /metrics and /proxyMode. */
  readonly metrics: Listen;
}

/** As kube-proxy's: load balancers ask for health, and only this machine for metrics. */
export const proxyPorts = { health: 10_256, metrics: 10_249 } as const;

export const defaultProxySettings: ProxySettings = {
  health: { address: "0.0.0.0", port: proxyPorts.health },
  metrics: { address: "127.0.0.1", port: proxyPorts.metrics },
};

/** Throws, naming `file`, where the document is another one, or wants what nftables cannot. */
export function parseProxyConfiguration(text: string, file: string): ProxySettings {
  const value = parse(text) as Fields | null;
  const apiVersion = `${proxyGroup.group}/${proxyGroup.version}`;
  if (value?.["kind"] !== "KubeProxyConfiguration" || value["apiVersion"] !== apiVersion)
    throw new Error(`${file}: expected a KubeProxyConfiguration of ${apiVersion}`);
  const reader = new FieldReader(value, file);
  const mode = reader.text("mode") ?? "nftables";
  if (mode !== "nftables")
    throw reader.wrong("mode", `is ${mode}: Services are rules of nftables here, and only those`);
  const kubeconfig = reader.text("clientConnection.kubeconfig");
  const hostnameOverride = reader.text("hostnameOverride");
  return {
    ...(kubeconfig === undefined ? {} : { kubeconfig }),
    ...(hostnameOverride === undefined ? {} : { hostnameOverride }),
    health: listenAt(reader, "healthzBindAddress", defaultProxySettings.health),
    metrics: listenAt(reader, "metricsBindAddress", defaultProxySettings.metrics),
  };
}

/** "0.0.0.0:10256", "0.0.0.0" with the usual port, or "" for the usual place. */
function listenAt(reader: FieldReader, path: string, usual: Listen): Listen {
  const text = reader.text(path);
  if (text === undefined) return usual;
  const [, address = "", port = String(usual.port)] =
    /^(\d+\.\d+\.\d+\.\d+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (address === "" || Number(port) > 65_535)
    throw reader.wrong(path, `is ${text}, not ADDRESS:PORT`);
  return { address, port: Number(port) };
}
