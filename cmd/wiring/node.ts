import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Transport } from "../../pkg/base/wire.ts";
import { serveCri } from "../../pkg/cri/grpc-server.ts";
import type { Kubelet } from "../../pkg/kubelet/kubelet.ts";
import { startServer } from "../../pkg/serving/server.ts";
import type { RunningServer } from "../../pkg/serving/server-contract.ts";
import { apiAccess } from "./api-access.ts";
import { clusterDefaults, pkiFile, type ClusterSettings } from "./cluster-settings.ts";
import { openCriRuntime } from "./cri-runtime.ts";
import type { Doors } from "./doors.ts";
import { gatewayOf, parseCidr } from "../../pkg/podnetwork/plan.ts";
import { runNaming } from "./naming.ts";
import { openKubelet } from "./kubelet-node.ts";
import { runProxying } from "./proxying.ts";

export interface NodeOptions {
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly podLogsPath: string;
  readonly podCidr: string;
  readonly bridge: string;
  /** Runs the supervisor: program and first arguments. */
  readonly supervisor: readonly [program: string, ...args: string[]];
}

/**
 * Where a cluster's pods have their cgroups: a place of its own, so that taking it apart touches
 * nobody else's pods. /tskube, or named after its run folder where that is not the usual one.
 */
export const podCgroupRoot = (runFolder: string): string =>
  runFolder === clusterDefaults.runFolder ? "/tskube" : `/tskube${runFolder.replaceAll("/", "-")}`;

/** Bodies of the kubelet's own API: commands, never files. */
const kubeletBodyBytesMax = 1024 * 1024;

/**
 * Runtime, kubelet and service proxy of this machine in this process, until the signal aborts.
 * Containers go on after it. `as`: the API under the name of one of the node's components.
 */
export async function runNode(
  settings: ClusterSettings,
  options: NodeOptions,
  as: (commonName: string, ...organizations: string[]) => Transport,
  doors: Doors,
  signal: AbortSignal,
): Promise<void> {
  const { nodeName, configFolder } = settings;
  await using runtime = await openCriRuntime(
    {
      ...options,
      serviceCidr: settings.serviceCidr,
      registriesFile: join(configFolder, "registries.yaml"),
    },
    doors,
  );
  const cri = await serveCri(runtime.service, join(options.runFolder, "cri.sock"), doors.logger);
  const kubeletApi = apiAccess(
    as(`system:node:${nodeName}`, "system:nodes"),
    "kubelet",
    doors,
    signal,
  );
  // The pods' gateway: an address of this node that every pod reaches, and nobody else.
  const dnsAddress = gatewayOf(parseCidr(options.podCidr));
  const kubelet = await openKubelet(
    {
      nodeName,
      nodeIPs: [settings.nodeAddress],
      dataFolder: options.dataFolder,
      manifestFolder: join(configFolder, "manifests"),
      podLogsPath: options.podLogsPath,
      clusterDns: [dnsAddress],
      clusterDomain: settings.dnsDomain,
      podsMax: 110,
      port: settings.kubeletPort,
      cgroupRoot: podCgroupRoot(options.runFolder),
    },
    runtime.service,
    kubeletApi.client,
    doors,
  );
  const server = await serveKubelet(kubelet, settings);
  const proxyApi = apiAccess(
    as("system:kube-proxy", "system:node-proxier"),
    "kube-proxy",
    doors,
    signal,
  );
  // It reads Services, EndpointSlices and Namespaces: this user may, and needs no role of its own.
  const dnsApi = apiAccess(as("system:kube-controller-manager"), "dns", doors, signal);
  const names = { zone: settings.dnsDomain, addresses: [dnsAddress] };
  await Promise.all([
    kubelet.run(signal),
    runProxying(proxyApi, nodeName, signal),
    runNaming(dnsApi, names, signal),
  ]);
  await server.close();
  await cri.close();
}

/** The kubelet's own API behind TLS, with the certificate of the PKI folder. */
async function serveKubelet(
  { handler, upgrade }: Kubelet,
  settings: ClusterSettings,
): Promise<RunningServer> {
  const pem = (name: string): Promise<string> => readFile(pkiFile(settings, name), "utf8");
  return startServer({
    tls: {
      certificate: await pem("kubelet.crt"),
      key: await pem("kubelet.key"),
      clientAuthorities: await pem("ca.crt"),
    },
    address: "0.0.0.0",
    port: settings.kubeletPort,
    handler,
    upgrade,
    bodyBytesMax: kubeletBodyBytesMax,
  });
}
