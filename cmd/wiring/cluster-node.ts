import { existsSync, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { serveCri } from "../../pkg/cri/grpc-server.ts";
import type { Kubelet } from "../../pkg/kubelet/kubelet.ts";
import { LateNetwork } from "../../pkg/podnetwork/late-network.ts";
import { startServer } from "../../pkg/serving/server.ts";
import { aborted } from "./aborted.ts";
import { accessByKubeconfig } from "./api-access.ts";
import { openCriRuntime } from "./cri-runtime.ts";
import type { Doors } from "./doors.ts";
import { openKubelet } from "./kubelet-node.ts";
import { runNodeNetwork } from "./node-network.ts";
import { podCgroupRoot } from "./node.ts";
import { runProxying } from "./proxying.ts";

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
  readonly kubeletPort: number;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly podsMax: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly supervisor: readonly [program: string, ...args: string[]];
}

/** Bodies of the kubelet's own API: commands, never files. */
const kubeletBodyBytesMax = 1024 * 1024;

/**
 * Runtime, kubelet, pod routes and service proxy of a machine that belongs to a cluster, until the
 * signal aborts. Static pods run before the API answers, since it may be one of them.
 */
export async function runClusterNode(
  options: ClusterNodeOptions,
  doors: Doors,
  signal: AbortSignal,
): Promise<void> {
  const { nodeName, configFolder } = options;
  const network = new LateNetwork();
  const registriesFile = join(configFolder, "registries.yaml");
  const criOptions = { ...options, registriesFile, podCidr: network };
  await using runtime = await openCriRuntime(criOptions, doors);
  const cri = await serveCri(runtime.service, join(options.runFolder, "cri.sock"), doors.logger);
  const kubeconfig = join(configFolder, "kubelet.conf");
  const access = await accessByKubeconfig(kubeconfig, "kubelet", doors, signal);
  const kubelet = await openKubelet(
    {
      ...options,
      nodeIPs: [options.nodeAddress],
      manifestFolder: join(configFolder, "manifests"),
      port: options.kubeletPort,
      cgroupRoot: podCgroupRoot(options.runFolder),
    },
    runtime.service,
    access.client,
    doors,
  );
  await Promise.all([
    kubelet.run(signal),
    serveKubelet(kubelet, options, access, signal),
    runNodeNetwork(network, { ...options, registriesFile }, access, signal),
    runProxying(access, nodeName, signal),
  ]);
  await cri.close();
}

/** Waits for the kubelet's certificate, which joining nodes get from the cluster, and serves. */
async function serveKubelet(
  { handler, upgrade }: Kubelet,
  { configFolder, kubeletPort }: ClusterNodeOptions,
  { logger }: Doors,
  signal: AbortSignal,
): Promise<void> {
  const file = (name: string): string => join(configFolder, "pki", name);
  await fileExists(file("kubelet.crt"), signal);
  if (signal.aborted) return;
  const tls = {
    certificate: await readFile(file("kubelet.crt"), "utf8"),
    key: await readFile(file("kubelet.key"), "utf8"),
    clientAuthorities: await readFile(file("ca.crt"), "utf8"),
  };
  const bodyBytesMax = kubeletBodyBytesMax;
  const listen = { tls, address: "0.0.0.0", port: kubeletPort, handler, upgrade, bodyBytesMax };
  const server = await startServer(listen);
  logger.info({ port: kubeletPort }, "the kubelet's API answers");
  await aborted(signal);
  await server.close();
}

/** Resolves when the file is there, or the signal aborts. */
async function fileExists(path: string, signal: AbortSignal): Promise<void> {
  const appeared = Promise.withResolvers<void>();
  const look = (): void => {
    if (existsSync(path)) appeared.resolve();
  };
  const watcher = watch(dirname(path), { persistent: false }, look);
  look();
  await Promise.race([appeared.promise, aborted(signal)]);
  watcher.close();
}
