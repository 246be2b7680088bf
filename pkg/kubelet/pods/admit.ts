import type { Pod } from "../../../api/core/v1.ts";
import { amountsOf, podRequests, type Amounts } from "../../machinery/pod-requests.ts";
import { requestsOf } from "../runtime/amounts.ts";
import type { PodFailure } from "../worker/pod-worker.ts";
import { isStatic, isTerminalPhase } from "./pod-spec.ts";

/** Static pods come without the requests that the API server would have filled in from limits. */
const requests = (pod: Pod): Amounts =>
  podRequests(pod, ({ resources }) => requestsOf(resources) ?? {});

/**
 * Whether the node can take one more pod. The scheduler has looked already, but may not have seen
 * all: static pods, and pods bound by others. Static pods are let in: they keep the node up. Pure.
 */
export function admit(
  pod: Pod,
  others: readonly Pod[],
  allocatable: Readonly<Record<string, string>>,
): PodFailure | undefined {
  if (isStatic(pod) || isTerminalPhase(pod.status?.phase)) return undefined;
  const running = others.filter(({ status }) => !isTerminalPhase(status?.phase));
  const used = running.map(requests);
  const capacities = amountsOf(allocatable);
  for (const [name, amount] of [...requests(pod), ["pods", 1] as const]) {
    if (amount === 0) continue;
    const inUse =
      name === "pods"
        ? running.length
        : used.reduce((sum, amounts) => sum + (amounts.get(name) ?? 0), 0);
    const capacity = capacities.get(name) ?? 0;
    if (inUse + amount <= capacity) continue;
    const numbers = `requested: ${amount}, used: ${inUse}, capacity: ${capacity}`;
    const message = `Node didn't have enough resource: ${name}, ${numbers}`;
    return { reason: `OutOf${name}`, message };
  }
  return undefined;
}
