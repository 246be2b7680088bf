import type {
  Container,
  ObjectFieldSelector,
  Pod,
  ResourceFieldSelector,
} from "../../../api/core/v1.ts";
import { findContainer } from "../pods/pod-spec.ts";
import { amountOf, requestsOf } from "../runtime/amounts.ts";

/** What a pod may learn of itself, beside what its object says. */
export interface DownwardFacts {
  readonly pod: Pod;
  readonly podIPs: readonly string[];
  readonly nodeName: string;
  readonly nodeIPs: readonly string[];
  /** What a container without limits may use: the node's allocatable cpu and memory. */
  readonly allocatable: Readonly<Record<string, string>>;
}

/** key="value" lines, sorted, with Go's quoting: what files of labels and annotations hold. */
const formatMap = (map: Readonly<Record<string, string>> | undefined): string =>
  Object.entries(map ?? {})
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");

const simple: Readonly<Record<string, (facts: DownwardFacts) => string>> = {
  "metadata.name": ({ pod }) => pod.metadata?.name ?? "",
  "metadata.namespace": ({ pod }) => pod.metadata?.namespace ?? "",
  "metadata.uid": ({ pod }) => pod.metadata?.uid ?? "",
  "metadata.labels": ({ pod }) => formatMap(pod.metadata?.labels),
  "metadata.annotations": ({ pod }) => formatMap(pod.metadata?.annotations),
  "spec.nodeName": ({ nodeName }) => nodeName,
  "spec.serviceAccountName": ({ pod }) => pod.spec.serviceAccountName ?? "",
  "status.hostIP": ({ nodeIPs }) => nodeIPs[0] ?? "",
  "status.hostIPs": ({ nodeIPs }) => nodeIPs.join(","),
  "status.podIP": ({ podIPs }) => podIPs[0] ?? "",
  "status.podIPs": ({ podIPs }) => podIPs.join(","),
};

/** Throws for a path that the API does not offer. */
export function fieldValue({ fieldPath }: ObjectFieldSelector, facts: DownwardFacts): string {
  const read = simple[fieldPath];
  if (read !== undefined) return read(facts);
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  const map =
    keyed?.[1] === "labels" ? facts.pod.metadata?.labels : facts.pod.metadata?.annotations;
  if (keyed?.[2] !== undefined) return map?.[keyed[2]] ?? "";
  throw new Error(`unsupported fieldPath: ${fieldPath}`);
}

/** In units of the divisor, rounded up. A limit that is not set is what the node could give. */
export function resourceValue(
  selector: ResourceFieldSelector,
  own: Container | undefined,
  facts: DownwardFacts,
): string {
  const container =
    selector.containerName === undefined || selector.containerName === ""
      ? own
      : findContainer(facts.pod, selector.containerName)?.container;
  if (container === undefined) throw new Error(`container ${selector.containerName} not found`);
  const [kind, name] = splitOnce(selector.resource);
  const amounts = kind === "limits" ? container.resources?.limits : requestsOf(container.resources);
  const quantity = amounts?.[name] ?? (kind === "limits" ? facts.allocatable[name] : "0") ?? "0";
  const divisor = amountOf(selector.divisor ?? "1") || 1;
  return String(Math.ceil(Math.round((amountOf(quantity) / divisor) * 1e6) / 1e6));
}

const splitOnce = (text: string): readonly [string, string] => {
  const at = text.indexOf(".");
  return [text.slice(0, at), text.slice(at + 1)];
};
