import type { Handler, WireRequest, WireResponse } from "../../base/wire.ts";
import type { UpgradeHandler, UpgradeRequest } from "../../serving/server-contract.ts";
import type { KubeletAddress } from "./kubelet-path.ts";

/** The way to a node's kubelet: HTTPS, or its handler in the same process. */
export interface KubeletTransport {
  /** Rejects when the kubelet cannot be reached; its errors are answers. */
  request(node: KubeletAddress, request: Omit<WireRequest, "peer">): Promise<WireResponse>;
  /** Takes the connection over; `path` is the kubelet's. Rejects while nothing is answered yet. */
  upgrade(node: KubeletAddress, request: UpgradeRequest, path: string): Promise<void>;
}

/** The kubelets of one process, by node name. */
export const inProcessKubelets = (
  kubelets: (nodeName: string) => { handler: Handler; upgrade: UpgradeHandler } | undefined,
): KubeletTransport => {
  /** As the API server's own client certificate says. */
  const peer = {
    address: "127.0.0.1",
    certificate: {
      commonName: "kube-apiserver-kubelet-client",
      organizations: ["system:masters"],
    },
  };
  const find = (nodeName: string) => {
    const kubelet = kubelets(nodeName);
    if (kubelet === undefined) throw new Error(`no kubelet of node ${nodeName} in this process`);
    return kubelet;
  };
  return {
    request: async ({ nodeName }, request) => find(nodeName).handler({ ...request, peer }),
    upgrade: async ({ nodeName }, request, path) =>
      find(nodeName).upgrade({ ...request, path, peer }),
  };
};
