/**
 * KubeletConfiguration (kubelet.config.k8s.io/v1beta1): the fields of it that tskubelet has. Pure.
 */
import { parse, stringify } from "yaml";

export interface KubeletSettings {
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly podsMax: number;
  readonly port: number;
}

export const defaultKubeletSettings: KubeletSettings = {
  clusterDns: [],
  clusterDomain: "cluster.local",
  podsMax: 110,
  port: 10_250,
};

const apiVersion = "kubelet.config.k8s.io/v1beta1";
const kind = "KubeletConfiguration";

/** The document, YAML, as the ConfigMap kubelet-config and /var/lib/tskube/config.yaml have it. */
export const kubeletConfigurationText = (settings: KubeletSettings): string =>
  stringify({
    apiVersion,
    kind,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true } },
    authorization: { mode: "Webhook" },
    clusterDNS: settings.clusterDns,
    clusterDomain: settings.clusterDomain,
    maxPods: settings.podsMax,
    port: settings.port,
    staticPodPath: "/etc/tskube/manifests",
  });

/** Throws, naming `file`, where the text is something else. Fields that we do not have are left. */
export function parseKubeletConfiguration(text: string, file: string): KubeletSettings {
  const value = parse(text) as Readonly<Record<string, unknown>> | null;
  if (value?.["kind"] !== kind || value["apiVersion"] !== apiVersion) {
    throw new Error(`${file}: expected a ${kind} of ${apiVersion}`);
  }
  const numberOr = (field: string, otherwise: number): number => {
    const found = value[field] ?? otherwise;
    if (typeof found !== "number" || !Number.isInteger(found) || found < 1) {
      throw new Error(`${file}: ${field}: ${JSON.stringify(found)} is not a positive whole number`);
    }
    return found;
  };
  const dns = value["clusterDNS"] ?? [];
  if (!Array.isArray(dns)) throw new Error(`${file}: clusterDNS is not a list`);
  const domain = value["clusterDomain"] ?? defaultKubeletSettings.clusterDomain;
  if (typeof domain !== "string") throw new Error(`${file}: clusterDomain is not a name`);
  return {
    clusterDns: dns.map(String),
    clusterDomain: domain,
    podsMax: numberOr("maxPods", defaultKubeletSettings.podsMax),
    port: numberOr("port", defaultKubeletSettings.port),
  };
}
