import type { Node } from "../../../api/core/v1.ts";
import { nodes } from "../../../api/resources.ts";
import { done, type Context, type Program } from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import { checkRanges, nextNodeRange, type NodeRanges } from "./plan.ts";

/** Gives each node a range of pod addresses, once and for its life. Throws on impossible ranges. */
export function nodeIpamController(ranges: NodeRanges): Program {
  checkRanges(ranges);
  return defineController<Node>({
    name: "node-ipam",
    account: "node-controller",
    eventSource: "cidrAllocator",
    reconciles: nodes,
    reads: [],
    writes: ["Node/podCIDR"],
    // One at a time: two nodes must not find the same range free.
    workers: 1,
    async reconcile(node, context, signal) {
      if (node.spec?.podCIDR !== undefined && node.spec.podCIDR !== "") return done;
      await allocate(node, ranges, context, signal);
      return done;
    },
  });
}

/** Asks the server, not the copy: the range that was given a moment ago must be seen. */
async function allocate(
  node: Node,
  ranges: NodeRanges,
  { client, events }: Context,
  signal: AbortSignal,
): Promise<void> {
  const api = client.resource(nodes);
  const { items } = await api.list({}, signal);
  const taken = items.flatMap(({ spec }) => spec?.podCIDRs ?? [spec?.podCIDR ?? ""]);
  const range = nextNodeRange(ranges, new Set(taken));
  const name = node.metadata?.name ?? "";
  if (range === undefined) {
    const message = `no range of ${ranges.clusterCidr} is left for node ${name}`;
    events.record({ ref: nodes, object: node }, "Normal", "CIDRNotAvailable", message);
    throw new Error(message);
  }
  const metadata = { uid: node.metadata?.uid };
  const body = { metadata, spec: { podCIDR: range, podCIDRs: [range] } };
  await api.patch({ name }, { type: "merge", body }, {}, signal);
}
