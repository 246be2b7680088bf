import type { Node } from "../../api/core/v1.ts";
import { nodes as nodesRef } from "../../api/resources.ts";
import { chainOf } from "../../pkg/base/errors.ts";
import { openNetlink } from "../../pkg/linux/netlink.ts";
import { openNftables } from "../../pkg/linux/nftables.ts";
import type { LateNetwork } from "../../pkg/podnetwork/late-network.ts";
import type { NodePlace } from "../../pkg/podnetwork/node-paths-plan.ts";
import { isSamePlace, nodePlace } from "../../pkg/podnetwork/node-place.ts";
import {
  linkOfAddress,
  NodeRoutes,
  type NodeRoutesState,
} from "../../pkg/podnetwork/node-routes.ts";
import { mtuOf } from "../../pkg/podnetwork/plan.ts";
import { aborted } from "./aborted.ts";
import type { ApiAccess } from "./api-access.ts";
import { bridgeNetwork, type CriRuntimeOptions } from "./cri-runtime.ts";

export interface NodeNetworkOptions extends Omit<CriRuntimeOptions, "podCidr"> {
  readonly nodeName: string;
  /** Of all nodes' pods. */
  readonly clusterCidr: string;
}

/** Somebody else may have taken our routes away. */
const routeCheckMs = 30_000;
const routeRetryMs = 1_000;

/**
 * Opens the pod network when this node has its range, and leads to the other nodes' pods, until
 * the signal aborts. One round at a time whenever a node changes; repeated on failure.
 */
export async function runNodeNetwork(
  network: LateNetwork,
  options: NodeNetworkOptions,
  { informers, clock, logger }: ApiAccess,
  signal: AbortSignal,
): Promise<void> {
  const { nodeName: ownName, bridge } = options;
  // A node may always look at itself; to see the others it needs rights that somebody must write.
  const own = informers.informer(nodesRef, { fieldSelector: `metadata.name=${ownName}` });
  const all = informers.informer(nodesRef);
  await Promise.race([own.synced, aborted(signal)]);
  let changed = new AbortController();
  let areAllKnown = false;
  void Promise.race([all.synced, aborted(signal)]).then(() => {
    areAllKnown = true;
    changed.abort();
  });
  const note = (now: Node | undefined, before: Node | undefined): void => {
    if (!isSamePlace(now, before)) changed.abort();
  };
  using _own = own.onChange(note);
  using _all = all.onChange(note);
  const routes = new NodeRoutes({ nftables: openNftables(), ownName, bridge });
  const follow = async (): Promise<void> => {
    await openNetwork(own.list().map(nodePlace), network, options, logger);
    if (!areAllKnown) return;
    using netlink = openNetlink();
    logRoutes(routes.apply(netlink, all.list().map(nodePlace)), logger);
  };
  while (!signal.aborted) {
    changed = new AbortController();
    const wait = await follow().then(
      () => routeCheckMs,
      (error: unknown) => {
        const because = { error: chainOf(error) };
        logger.warn(because, "the node's network could not be brought up to date");
        return routeRetryMs;
      },
    );
    await clock.sleep(wait, AbortSignal.any([signal, changed.signal])).catch(() => undefined);
  }
}

async function openNetwork(
  places: readonly NodePlace[],
  network: LateNetwork,
  options: NodeNetworkOptions,
  logger: ApiAccess["logger"],
): Promise<void> {
  const { nodeName, clusterCidr } = options;
  const { podCidr, address } = places.find(({ name }) => name === nodeName) ?? {};
  if (podCidr === undefined || address === undefined) return;
  if (network.isOpen) return warnOfOtherRange(podCidr, network, logger);
  using netlink = openNetlink();
  const mtu = mtuOf(linkOfAddress(netlink, address));
  network.open(await bridgeNetwork(options, { podCidr, clusterCidr, mtu }), podCidr);
  logger.info({ podCidr, mtu }, "pods have a network");
}

/** Pods keep the addresses that they have: only whoever removes them can give them others. */
function warnOfOtherRange(
  podCidr: string,
  network: LateNetwork,
  logger: ApiAccess["logger"],
): void {
  if (network.range === podCidr) return;
  logger.warn(
    { pods: network.range, node: podCidr },
    "this node has another range than its pods: others cannot reach them; drain the node, then " +
      "tsadm reset and join",
  );
}

function logRoutes(state: NodeRoutesState, logger: ApiAccess["logger"]): void {
  if (state.changes > 0) logger.info({ ...state }, "routes to other nodes' pods");
}
