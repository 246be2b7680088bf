import type { Pod } from "../../../api/core/v1.ts";
import type { ClusterScore, Plugin, Snapshot } from "../framework.ts";
import type { QueuedPod } from "../queued-pod.ts";
import { imageName } from "../node-images.ts";

const mebi = 1024 * 1024;
/** Upstream's bounds: less is pulled in no time; more of one container does not count. */
const countedBytesMin = 23 * mebi;
const countedBytesMaxPerImage = 1_000 * mebi;

const imagesOf = ({ spec }: Pod): readonly string[] => [
  ...[...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ image = "" }) => image),
  ...(spec?.volumes ?? []).flatMap(({ image }) => image?.reference ?? []),
];

function scoreBy({ pod }: QueuedPod, snapshot: Snapshot): ClusterScore | undefined {
  const images = imagesOf(pod);
  const found = images.flatMap((image) => snapshot.imageOnNodes(imageName(image)) ?? []);
  if (found.length === 0) return undefined;
  const all = snapshot.nodes.length;
  // An image that few nodes have counts little, or all pods of a kind would heat those.
  const weighed = found.map((nodes) => ({ nodes, share: nodes.size / all }));
  const most = countedBytesMaxPerImage * images.length;
  return {
    score: ({ name }) => {
      let bytes = 0;
      for (const { nodes, share } of weighed) {
        bytes += Math.floor((nodes.get(name) ?? 0) * share);
      }
      const counted = Math.min(Math.max(bytes, countedBytesMin), most);
      return Math.floor((100 * (counted - countedBytesMin)) / (most - countedBytesMin));
    },
  };
}

/** Prefers nodes that have the pod's images already. */
export const imageLocality: Plugin = {
  name: "ImageLocality",
  preScore: (pod, _nodes, snapshot) => scoreBy(pod, snapshot),
};
