import { existsSync, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Node } from "../../api/core/v1.ts";
import { nodes as nodesRef } from "../../api/resources.ts";
import { chainOf } from "../../pkg/base/errors.ts";
import { serveCri } from "../../pkg/cri/grpc-server.ts";
import type { Kubelet } from "../../pkg/kubelet/kubelet.ts";
import { openNetlink } from "../../pkg/linux/netlink.ts";
import { LateNetwork } from "../../pkg/podnetwork/late-network.ts";
import { applyNodeRoutes } from "../../pkg/podnetwork/node-routes.ts";
import type { NodePlace } from "../../pkg/podnetwork/node-routes-plan.ts";
import { startServer } from "../../pkg/serving/server.ts";
import { accessByKubeconfig, type ApiAccess } from "./api-access.ts";
import { bridgeNetwork, openCriRuntime } from "./cri-runtime.ts";
import type { Doors } from "./doors.ts";
import { openKubelet } from "./kubelet-node.ts";
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
  const follow = (nodes: readonly Node[]): Promise<void> =>
    followNodes(nodes, network, { ...options, registriesFile }, access);
  await Promise.all([
    kubelet.run(signal),
    serveKubelet(kubelet, options, access, signal),
    runNodeNetwork(access, follow, signal),
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

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

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

/** Calls `follow` with all nodes whenever one changes; one round at a time, repeated on failure. */
async function runNodeNetwork(
  { informers, clock, logger }: ApiAccess,
  follow: (nodes: readonly Node[]) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const informer = informers.informer(nodesRef);
  await Promise.race([informer.synced, aborted(signal)]);
  while (!signal.aborted) {
    const changed = new AbortController();
    using _listening = informer.onChange(() => changed.abort());
    const wait = await follow(informer.list()).then(
      () => routeCheckMs,
      (error: unknown) => {
        logger.warn(
          { error: chainOf(error) },
          "the node's network could not be brought up to date",
        );
        return routeRetryMs;
      },
    );
    await clock.sleep(wait, AbortSignal.any([signal, changed.signal])).catch(() => undefined);
  }
}

/** Somebody else may have taken our routes away. */
const routeCheckMs = 30_000;
const routeRetryMs = 1_000;

/** Opens the pod network when this node has its range, and keeps routes to the others' pods. */
async function followNodes(
  nodes: readonly Node[],
  network: LateNetwork,
  options: ClusterNodeOptions & { readonly registriesFile: string },
  { logger }: Doors,
): Promise<void> {
  const { nodeName, clusterCidr } = options;
  const places = nodes.map(placeOf);
  const podCidr = places.find(({ name }) => name === nodeName)?.podCidr;
  if (podCidr !== undefined && !network.isOpen) {
    network.open(await bridgeNetwork(options, { podCidr, clusterCidr }));
    logger.info({ podCidr }, "pods have a network");
  }
  using netlink = openNetlink();
  const changes = applyNodeRoutes(netlink, places, nodeName);
  if (changes > 0) logger.info({ changes, nodes: places.length }, "routes to other nodes' pods");
}

function placeOf({ metadata, spec, status }: Node): NodePlace {
  const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
  return {
    name: metadata?.name ?? "",
    ...(spec?.podCIDR === undefined ? {} : { podCidr: spec.podCIDR }),
    ...(address === undefined ? {} : { address }),
  };
}
