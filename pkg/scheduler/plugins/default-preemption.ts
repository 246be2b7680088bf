import type { Pod } from "../../../api/core/v1.ts";
import type { Plugin, PostFilterContext, PostFilterResult, Refusal } from "../framework.ts";
import type { QueuedPod } from "../queued-pod.ts";
import type { NodeState } from "../node-state.ts";
import { cheapest, noVictims, priorityOf, victimsOn, type Candidate } from "../preemption-plan.ts";
import { describeRefusals, RefusalCount } from "../refusals.ts";

/** Upstream's bounds of the search: a tenth of the nodes that may help, at least a hundred. */
const candidatesShare = 0.1;
const candidatesMin = 100;

const isLeaving = ({ metadata, status }: Pod): boolean =>
  metadata?.deletionTimestamp !== undefined &&
  status?.conditions?.some(
    ({ type, status: value, reason }) =>
      type === "DisruptionTarget" && value === "True" && reason === "PreemptionByScheduler",
  ) === true;

const never = "not eligible due to preemptionPolicy=Never.";
const underWay = "not eligible due to a terminating pod on the nominated node.";

/** Whether others are leaving already for this pod. */
function isUnderWay(
  { pod, priority }: QueuedPod,
  { snapshot, helped }: PostFilterContext,
): boolean {
  const nominated = snapshot.node(pod.status?.nominatedNodeName ?? "");
  if (nominated === undefined || !helped.includes(nominated)) return false;
  return [...nominated.pods.values()].some(
    ({ pod: other }) => priorityOf(other) < priority && isLeaving(other),
  );
}

interface Search {
  readonly candidates: readonly Candidate<NodeState>[];
  readonly refusals: RefusalCount;
}

/** Nodes in turn from where chance begins, until there are enough to choose from. */
function search({ priority }: QueuedPod, context: PostFilterContext): Search {
  const { helped, budgets, tryWithout, chance, snapshot } = context;
  const enough = Math.max(candidatesMin, Math.floor(helped.length * candidatesShare));
  const refusals = new RefusalCount(snapshot.nodes.length);
  const candidates: Candidate<NodeState>[] = [];
  const start = Math.floor(chance * helped.length);
  for (let step = 0; step < helped.length; step++) {
    const node = helped[(start + step) % helped.length] as NodeState;
    if (!node.hasBelow(priority)) {
      refusals.addReason(noVictims.because);
      continue;
    }
    const pods = [...node.pods.values()].map(({ pod }) => pod);
    const found = tryWithout(node, (trial) => victimsOn(pods, priority, budgets(), trial));
    if ("because" in found) refusals.addReason(found.because);
    else if (found.victims.length > 0) candidates.push({ node, ...found });
    if (candidates.length >= enough && candidates.some(({ violations }) => violations === 0)) break;
  }
  return { candidates, refusals };
}

const notHelpful: Refusal["because"] = "Preemption is not helpful for scheduling";

function postFilter(pod: QueuedPod, context: PostFilterContext): PostFilterResult {
  if (pod.pod.spec?.preemptionPolicy === "Never") return { message: `preemption: ${never}` };
  if (isUnderWay(pod, context)) return { message: `preemption: ${underWay}`, isUnderWay: true };
  const { candidates, refusals } = search(pod, context);
  const best = cheapest(candidates);
  if (best !== undefined) {
    const { node, victims } = best;
    const message =
      `preemption: found a potential placement for pod on node ${node.name}, ` +
      `preempting ${victims.length} victims`;
    return { message, preemption: { node, victims } };
  }
  const hopeless = context.snapshot.nodes.length - context.helped.length;
  if (hopeless > 0) refusals.addReason(notHelpful, undefined, hopeless);
  return { message: `preemption: ${describeRefusals(refusals.result())}` };
}

/** Lets pods of lower priority go where that lets this one in. */
export const defaultPreemption: Plugin = { name: "DefaultPreemption", postFilter };
