import type { Container, Pod } from "../../api/core/v1.ts";
import { quantityMilliValue, quantityValue } from "./quantity.ts";

/** By resource name: CPU in thousandths, everything else in whole units, rounded up. */
export type Amounts = ReadonlyMap<string, number>;
type Sum = Map<string, number>;
type Quantities = Readonly<Record<string, string | number>> | undefined;

/** An init container that goes on beside the others (KEP-753). */
export const isSidecar = ({ restartPolicy }: Pick<Container, "restartPolicy">): boolean =>
  restartPolicy === "Always";

export const amountsOf = (list: Quantities): Sum =>
  new Map(
    Object.entries(list ?? {}).map(([name, quantity]) => [
      name,
      name === "cpu" ? quantityMilliValue(quantity) : quantityValue(quantity),
    ]),
  );

function add(into: Sum, from: Amounts): Sum {
  for (const [name, value] of from) into.set(name, (into.get(name) ?? 0) + value);
  return into;
}

function raiseTo(into: Sum, least: Amounts): Sum {
  for (const [name, value] of least) into.set(name, Math.max(into.get(name) ?? 0, value));
  return into;
}

const requested = ({ resources }: Pick<Container, "resources">): Quantities => resources?.requests;

/**
 * The most that a pod needs at any time (KEP-753): all containers and sidecars together, or one
 * init container beside the sidecars that started before it; plus the pod's overhead. What the pod
 * itself requests stands for the sum (KEP-2837). `requestsOf`: where the API server has not been
 * at the pod and filled requests in from limits.
 */
export function podRequests(
  { spec }: Pod,
  requestsOf: (container: Pick<Container, "resources">) => Quantities = requested,
): Amounts {
  const together: Sum = new Map();
  const duringInit: Sum = new Map();
  const sidecars: Sum = new Map();
  for (const container of spec?.containers ?? []) add(together, amountsOf(requestsOf(container)));
  for (const container of spec?.initContainers ?? []) {
    const own = amountsOf(requestsOf(container));
    if (isSidecar(container)) raiseTo(duringInit, add(sidecars, own));
    else raiseTo(duringInit, add(own, sidecars));
  }
  const needed = raiseTo(add(together, sidecars), duringInit);
  for (const [name, value] of amountsOf(spec?.resources?.requests)) needed.set(name, value);
  return add(needed, amountsOf(spec?.overhead));
}
