import type { Pod } from "../../../api/core/v1.ts";
import { amountOf, requestsOf } from "../runtime/amounts.ts";
import type { PodFailure } from "../worker/pod-worker.ts";
import { isSidecar, isStatic, isTerminalPhase } from "./pod-spec.ts";

/** Amounts by resource name: cpu in cores, memory in bytes. */
type Amounts = Readonly<Record<string, number>>;

const plus = (a: Amounts, b: Amounts): Amounts => {
  const sum: Record<string, number> = { ...a };
  for (const [name, amount] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + amount;
  return sum;
};

const most = (a: Amounts, b: Amounts): Amounts => {
  const larger: Record<string, number> = { ...a };
  for (const [name, amount] of Object.entries(b))
    larger[name] = Math.max(larger[name] ?? 0, amount);
  return larger;
};

const asked = (resources: Parameters<typeof requestsOf>[0]): Amounts =>
  Object.fromEntries(
    Object.entries(requestsOf(resources) ?? {}).map(([name, text]) => [name, amountOf(text)]),
  );

/**
 * What a pod asks for: its containers and sidecars together, or its largest init container beside
 * the sidecars before it, whichever is more; and its overhead.
 */
export function podRequests(pod: Pod): Amounts {
  let sidecars: Amounts = {};
  let initialising: Amounts = {};
  for (const container of pod.spec.initContainers ?? []) {
    const own = asked(container.resources);
    if (isSidecar(container)) sidecars = plus(sidecars, own);
    initialising = most(initialising, isSidecar(container) ? sidecars : plus(sidecars, own));
  }
  const running = pod.spec.containers.reduce(
    (sum, { resources }) => plus(sum, asked(resources)),
    sidecars,
  );
  return plus(most(running, initialising), asked({ requests: pod.spec.overhead ?? {} }));
}

/** In the units of messages: thousandths of a CPU, and bytes. */
const shown = (name: string, amount: number): number =>
  name === "cpu" ? Math.round(amount * 1000) : amount;

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
  const used = running.reduce<Amounts>((sum, one) => plus(sum, podRequests(one)), {});
  const wanted = { ...podRequests(pod), pods: 1 };
  for (const [name, amount] of Object.entries(wanted)) {
    if (amount === 0) continue;
    const inUse = name === "pods" ? running.length : (used[name] ?? 0);
    const capacity = amountOf(allocatable[name] ?? "0");
    // Less than a millionth of a unit is what fractions of a CPU lose when they are added up.
    if (inUse + amount <= capacity + 1e-6) continue;
    const numbers =
      `requested: ${shown(name, amount)}, used: ${shown(name, inUse)}, ` +
      `capacity: ${shown(name, capacity)}`;
    const message = `Node didn't have enough resource: ${name}, ${numbers}`;
    return { reason: `OutOf${name}`, message };
  }
  return undefined;
}
