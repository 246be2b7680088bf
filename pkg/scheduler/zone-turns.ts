import type { NodeState } from "./node-state.ts";
import { nodeLabels } from "./node-labels.ts";

const zoneOf = ({ node }: NodeState): string => {
  const labels = nodeLabels(node);
  const region = labels["topology.kubernetes.io/region"] ?? "";
  return `${region}/${labels["topology.kubernetes.io/zone"] ?? ""}`;
};

/** One node of each zone after another: of many nodes, any stretch has all zones in it. */
export function inTurnsByZone(nodes: readonly NodeState[]): readonly NodeState[] {
  const zones = Map.groupBy(nodes, zoneOf);
  if (zones.size < 2) return nodes;
  const ordered: NodeState[] = [];
  for (let turn = 0; ordered.length < nodes.length; turn++) {
    for (const zone of zones.values()) {
      const node = zone[turn];
      if (node !== undefined) ordered.push(node);
    }
  }
  return ordered;
}
