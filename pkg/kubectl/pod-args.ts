import type { Pod } from "../../api/core/v1.ts";
import type { KubeObject } from "../../api/resource.ts";
import type { Kubectl } from "./command.ts";
import { UsageError } from "../base/flags.ts";
import { pathOf } from "./resource-mapper.ts";

interface Workload extends KubeObject {
  readonly spec?: {
    readonly selector?: { readonly matchLabels?: Readonly<Record<string, string>> } & Readonly<
      Record<string, unknown>
    >;
  };
}
interface PodList {
  readonly items?: readonly Pod[];
}

/** A selector's labels as text. Services keep them directly under `selector`. */
function selectorText({ kind, metadata, spec }: Workload): string {
  const labels =
    spec?.selector?.matchLabels ?? (spec?.selector as Record<string, string> | undefined) ?? {};
  const text = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
  if (text === "" && kind === "Service") {
    throw new UsageError(
      `cannot attach to *v1.Service: invalid service '${metadata?.name ?? ""}': Service is defined without a selector`,
    );
  }
  if (text === "") throw new UsageError("the workload has no selector that names its pods");
  return text;
}

export async function podsBySelector(
  kubectl: Kubectl,
  labelSelector: string,
): Promise<readonly Pod[]> {
  const pods = (await kubectl.mapper(["pods"])).byName("pods");
  const query = new URLSearchParams({ labelSelector });
  const path = `${pathOf(pods, { namespace: kubectl.namespace })}?${query}`;
  return (await kubectl.api.send<PodList>({ method: "GET", path })).items ?? [];
}

/** The pod that logs or exec is asked of: by name, or the best one of deployment/web. */
export async function podOf(kubectl: Kubectl, word: string): Promise<Pod> {
  const [type = "", name] = word.includes("/") ? word.split("/") : ["pods", word];
  const mapper = await kubectl.mapper([type]);
  const resource = mapper.byName(type);
  const path = pathOf(resource, { namespace: kubectl.namespace, name: name ?? "" });
  const object = await kubectl.api.send<Pod & Workload>({ method: "GET", path });
  if (resource.plural === "pods" && resource.group === "") return object;
  const pods = await podsBySelector(kubectl, selectorText(object));
  const isReady = (pod: Pod): boolean =>
    pod.status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;
  const best = pods.find(isReady) ?? pods[0];
  if (best === undefined) throw new UsageError(`${word} has no pods`);
  return best;
}

const defaultContainerKey = "kubectl.kubernetes.io/default-container";

/** The container that is meant when none is named; says which, where there is a choice. */
export function containerOf(kubectl: Kubectl, pod: Pod, asked: string | undefined): string {
  const containers = pod.spec?.containers.map((one) => one.name) ?? [];
  const initial = pod.spec?.initContainers?.map((one) => one.name) ?? [];
  const ephemeral = pod.spec?.ephemeralContainers?.map((one) => one.name) ?? [];
  const podName = pod.metadata?.name ?? "";
  if (asked !== undefined) {
    if ([...containers, ...initial, ...ephemeral].includes(asked)) return asked;
    throw new UsageError(`container ${asked} not found in pod ${podName}`);
  }
  const preferred = pod.metadata?.annotations?.[defaultContainerKey];
  const chosen =
    preferred !== undefined && containers.includes(preferred) ? preferred : containers[0];
  if (chosen === undefined) throw new UsageError(`pod ${podName} has no containers`);
  if (containers.length + initial.length + ephemeral.length > 1 && chosen !== preferred) {
    const all = [
      ...containers,
      ...ephemeral.map((name) => `${name} (ephem)`),
      ...initial.map((name) => `${name} (init)`),
    ];
    kubectl.terminal.err(`Defaulted container "${chosen}" out of: ${all.join(", ")}\n`);
  }
  return chosen;
}
