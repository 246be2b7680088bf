/** Where a Node object says that a node and its pods are. Pure. */
import type { Node } from "../../api/core/v1.ts";
import { parseIpv4 } from "../base/ipv4.ts";
import type { NodePlace } from "./node-paths-plan.ts";

/** Of a node, with the value "tunnel": it reaches others, and they reach it, by the tunnel only. */
export const podLinksLabel = "tskube/pod-links";

export function nodePlace({ metadata, spec, status }: Node): NodePlace {
  const address = status?.addresses?.find(
    (one) => one.type === "InternalIP" && parseIpv4(one.address) !== undefined,
  )?.address;
  return {
    name: metadata?.name ?? "",
    ...(spec?.podCIDR === undefined ? {} : { podCidr: spec.podCIDR }),
    ...(address === undefined ? {} : { address }),
    tunnels: metadata?.labels?.[podLinksLabel] === "tunnel",
  };
}

/** Nodes tell their status again and again: most of what changes says nothing of places. */
export const isSamePlace = (now: Node | undefined, before: Node | undefined): boolean =>
  now !== undefined &&
  before !== undefined &&
  JSON.stringify(nodePlace(now)) === JSON.stringify(nodePlace(before));
