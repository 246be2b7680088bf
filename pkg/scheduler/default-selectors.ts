import type { Pod, ReplicationController, Service } from "../../api/core/v1.ts";
import type { ReplicaSet, StatefulSet } from "../../api/apps/v1.ts";
import type { KubeObject } from "../../api/resource.ts";
import {
  replicaSets,
  replicationControllers,
  services,
  statefulSets,
} from "../../api/resources.ts";
import type { Informer } from "../client/client.ts";
import { matchesMap, requirementsOf, type Requirement } from "../machinery/label-selector.ts";
import { differs } from "./cluster-event.ts";
import { podGroupKey } from "./pod-group.ts";
import { requirementsOrNone } from "./pod-matcher.ts";
import type { ServedInformers } from "./served-informers.ts";

/** Answers that are kept; above, all are worked out again. */
const answersMax = 10_000;

const none: readonly Requirement[] = [];

/**
 * What a pod is selected by, where it says nothing about its spreading: the Services that mean it,
 * and its owner's selector (upstream's system defaulting).
 */
export class DefaultSelectors {
  readonly #services: Informer<Service> | undefined;
  readonly #owners: ReadonlyMap<string, Informer<KubeObject> | undefined>;
  readonly #answers = new Map<string, readonly Requirement[]>();

  constructor({ get }: ServedInformers) {
    this.#services = get(services);
    this.#owners = new Map<string, Informer<KubeObject> | undefined>([
      ["apps/v1 ReplicaSet", get<ReplicaSet>(replicaSets)],
      ["apps/v1 StatefulSet", get<StatefulSet>(statefulSets)],
      ["v1 ReplicationController", get<ReplicationController>(replicationControllers)],
    ]);
    for (const informer of [this.#services, ...this.#owners.values()]) {
      // What is asked lives as long as who asks: both end with the process or the simulation.
      informer?.onChange((now, before) => {
        if (differs(selectorOf(now), selectorOf(before))) this.#answers.clear();
      });
    }
  }

  readonly of = (pod: Pod): readonly Requirement[] => {
    const owner = pod.metadata?.ownerReferences?.find(({ controller }) => controller === true);
    const key = `${owner?.kind ?? ""}/${owner?.name ?? ""} ${podGroupKey(pod)}`;
    const known = this.#answers.get(key);
    if (known !== undefined) return known;
    const found = [...this.#ofServices(pod), ...this.#ofOwner(pod)];
    if (this.#answers.size >= answersMax) this.#answers.clear();
    this.#answers.set(key, found);
    return found;
  };

  #ofServices({ metadata }: Pod): readonly Requirement[] {
    const own = this.#services?.list(metadata?.namespace) ?? [];
    const labels = own
      .map(({ spec }) => spec?.selector)
      .filter((selector) => matchesMap(selector, metadata?.labels))
      .reduce<Readonly<Record<string, string>>>((all, one) => ({ ...all, ...one }), {});
    return requirementsOf({ matchLabels: labels });
  }

  #ofOwner({ metadata }: Pod): readonly Requirement[] {
    const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
    if (owner === undefined) return none;
    const informer = this.#owners.get(`${owner.apiVersion} ${owner.kind}`);
    const selector = selectorOf(informer?.get(`${metadata?.namespace ?? ""}/${owner.name}`));
    if (selector === undefined) return none;
    // A ReplicationController has a plain map where the others have a LabelSelector.
    const isMap = owner.kind === "ReplicationController";
    return requirementsOrNone(isMap ? { matchLabels: selector as LabelMap } : selector) ?? none;
  }
}

type LabelMap = Readonly<Record<string, string>>;

const selectorOf = (object: KubeObject | undefined): object | undefined =>
  (object as { readonly spec?: { readonly selector?: object } } | undefined)?.spec?.selector;
