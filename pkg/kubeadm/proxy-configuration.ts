/**
 * KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1), as the ConfigMap kube-proxy keeps it.
 * What tskube-proxy reads of it is in proxy-settings.ts. Pure.
 */
import { stringify } from "yaml";
import { proxyGroup } from "./configuration-documents.ts";
import type { Fields } from "./strict-fields.ts";

/** The document, YAML; `given`: fields of a configuration file, which stand over ours. */
export const proxyConfigurationText = (
  { podSubnet }: { readonly podSubnet: string },
  given: Fields = {},
): string =>
  stringify({
    apiVersion: `${proxyGroup.group}/${proxyGroup.version}`,
    kind: "KubeProxyConfiguration",
    clusterCIDR: podSubnet,
    mode: "nftables",
    ...given,
  });
