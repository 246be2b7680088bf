import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { serveCri } from "../../pkg/cri/grpc-server.ts";
import type { KubeletSettings } from "../../pkg/kubeadm/kubelet-configuration.ts";
import type { Kubelet } from "../../pkg/kubelet/kubelet.ts";
import { LateNetwork } from "../../pkg/podnetwork/late-network.ts";
import type { CertificateAndKey } from "../../pkg/pki/authority.ts";
import { startServer } from "../../pkg/serving/server.ts";
import type { RunningServer } from "../../pkg/serving/server-contract.ts";
import type { ApiAccess } from "./api-access.ts";
import { openCriRuntime } from "./cri-runtime.ts";
import type { Doors } from "./doors.ts";
import { openKubelet } from "./kubelet-node.ts";
import { keepServingCertificate, openNodeAccess } from "./node-certificates.ts";
import { runNodeNetwork } from "./node-network.ts";
import { podCgroupRoot } from "./node.ts";

export interface ClusterNodeOptions {
  /** /etc/tskube: kubelet.conf, pki, manifests, registries.yaml. */
  readonly configFolder: string;
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly podLogsPath: string;
  readonly nodeName: string;
  readonly nodeAddress: string;
  /** Of all nodes' pods; each node's part is told by the cluster. */
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  readonly bridge: string;
  readonly kubelet: KubeletSettings;
  readonly labels: Readonly<Record<string, string>>;
  readonly supervisor: readonly [program: string, ...args: string[]];
}

/** Bodies of the kubelet's own API: commands, never files. */
const kubeletBodyBytesMax = 1024 * 1024;

/**
 * Runtime, kubelet and pod routes of a machine that belongs to a cluster, until the signal aborts.
 * Static pods run before the API answers, since it may be one of them. Services are the business of
 * a pod, which the cluster has on every node.
 */
export async function runClusterNode(
  options: ClusterNodeOptions,
  doors: Doors,
  signal: AbortSignal,
): Promise<void> {
  const { configFolder } = options;
  const network = new LateNetwork(doors.clock);
  const registriesFile = join(configFolder, "registries.yaml");
  const criOptions = { ...options, registriesFile, podCidr: network };
  await using runtime = await openCriRuntime(criOptions, doors);
  const cri = await serveCri(runtime.service, join(options.runFolder, "cri.sock"), doors.logger);
  const access = await openNodeAccess(options, doors, signal);
  const kubelet = await openKubelet(
    {
      ...options,
      nodeIPs: [options.nodeAddress],
      manifestFolder: join(configFolder, "manifests"),
      ...options.kubelet,
      cgroupRoot: podCgroupRoot(options.runFolder),
    },
    runtime.service,
    access.client,
    doors,
  );
  // The node is ready from then on: nobody waits for its next look.
  void network.opened.then(() => kubelet.refresh());
  await Promise.all([
    kubelet.run(signal),
    access.keep(),
    serveKubelet(kubelet, options, access, signal),
    runNodeNetwork(network, { ...options, registriesFile }, access, signal),
  ]);
  await cri.close();
}

/** Serves from the first certificate on, and each later one in its turn. */
async function serveKubelet(
  { handler, upgrade }: Kubelet,
  options: ClusterNodeOptions,
  access: ApiAccess,
  signal: AbortSignal,
): Promise<void> {
  const { configFolder } = options;
  const { port, address } = options.kubelet;
  let server: RunningServer | undefined;
  const use = async (pair: CertificateAndKey): Promise<void> => {
    const clientAuthorities = await readFile(join(configFolder, "pki/ca.crt"), "utf8");
    const tls = { ...pair, clientAuthorities };
    if (server !== undefined) return server.renewTls(tls);
    const bodyBytesMax = kubeletBodyBytesMax;
    server = await startServer({ tls, address, port, handler, upgrade, bodyBytesMax });
    access.logger.info({ port }, "the kubelet's API answers");
  };
  await keepServingCertificate(options, access, use, signal);
  await server?.close();
}
