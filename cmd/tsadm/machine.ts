import { join } from "node:path";
import { readMachineFacts } from "../../pkg/kubeadm/preflight-facts.ts";
import type { MachineFacts } from "../../pkg/kubeadm/preflight-plan.ts";

export const nodeLog = "/var/log/tskube/node.log";
const kubeletPort = 10_250;
/** Of etcd: clients, peers, metrics; of the controller manager and the scheduler: health. */
const controlPlanePorts = [2379, 2380, 2381, 10_257, 10_259] as const;

export interface FactsOf {
  readonly nodeName: string;
  readonly configFolder: string;
  readonly dataFolder: string;
  /** Absent: a machine that only joins. */
  readonly bindPort?: number;
}

export const machineFacts = (of: FactsOf): Promise<MachineFacts> => {
  const { bindPort, configFolder, dataFolder } = of;
  const isControlPlane = bindPort !== undefined;
  return readMachineFacts({
    nodeName: of.nodeName,
    isRoot: process.getuid?.() === 0,
    ports: isControlPlane ? [bindPort, ...controlPlanePorts, kubeletPort] : [kubeletPort],
    programs: ["nft"],
    path: [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"],
    dataFolder,
    mustBeAbsent: isControlPlane
      ? [join(configFolder, "manifests"), join(dataFolder, "etcd")]
      : [join(configFolder, "kubelet.conf"), join(configFolder, "pki/ca.crt")],
  });
};
