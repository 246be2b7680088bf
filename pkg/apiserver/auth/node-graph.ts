import type { Pod } from "../../../api/core/v1.ts";
import { persistentVolumeClaims, persistentVolumes, pods } from "../../../api/resources.ts";
import type { Objects } from "../objects-contract.ts";
import { mirrorAnnotation, podReferences, type PodReferences } from "./pod-references.ts";

export interface Vertex {
  readonly kind: "secret" | "configMap" | "claim" | "volume" | "serviceAccount" | "pod";
  /** "" for volumes. */
  readonly namespace: string;
  readonly name: string;
}

/**
 * Which objects a node has to do with: those that pods bound to it name, and the volumes of their
 * claims. Nothing is kept but what each pod refers to, as long as the cache keeps the pod: the
 * pods of a node come from an index of the watch cache, so that it is never behind it.
 */
export class NodeGraph {
  readonly #objects: Objects;
  readonly #references = new WeakMap<Pod, PodReferences>();

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  hasPath(nodeName: string, { kind, namespace, name }: Vertex): boolean {
    switch (kind) {
      case "pod":
        return this.#objects.get(pods, { namespace, name })?.spec?.nodeName === nodeName;
      case "secret":
        return (
          this.#some(nodeName, namespace, ({ secrets }) => secrets.has(name)) ||
          this.#volumesOf(nodeName).some((volume) =>
            this.#secretsOf(volume).has(`${namespace}/${name}`),
          )
        );
      case "configMap":
        return this.#some(nodeName, namespace, ({ configMaps }) => configMaps.has(name));
      case "claim":
        return this.#some(nodeName, namespace, ({ claims }) => claims.has(name));
      case "serviceAccount":
        return this.#some(nodeName, namespace, ({ serviceAccount }) => serviceAccount === name);
      case "volume":
        return this.#volumesOf(nodeName).includes(name);
      default:
        return kind satisfies never;
    }
  }

  /** A mirror pod gives its node nothing: the node itself wrote it. */
  #podsOf(nodeName: string): readonly Pod[] {
    return this.#objects
      .withField(pods, "spec.nodeName", nodeName)
      .filter(({ metadata }) => metadata?.annotations?.[mirrorAnnotation] === undefined);
  }

  #some(nodeName: string, namespace: string, has: (refs: PodReferences) => boolean): boolean {
    return this.#podsOf(nodeName).some(
      (pod) => pod.metadata?.namespace === namespace && has(this.#referencesOf(pod)),
    );
  }

  #referencesOf(pod: Pod): PodReferences {
    const known = this.#references.get(pod) ?? podReferences(pod);
    this.#references.set(pod, known);
    return known;
  }

  /** Names of the PersistentVolumes behind the claims of the node's pods. */
  #volumesOf(nodeName: string): readonly string[] {
    return this.#podsOf(nodeName).flatMap((pod) =>
      [...this.#referencesOf(pod).claims].flatMap((claim) => {
        const key = { namespace: pod.metadata?.namespace ?? "", name: claim };
        const volume = this.#objects.get(persistentVolumeClaims, key)?.spec?.volumeName ?? "";
        return volume === "" ? [] : [volume];
      }),
    );
  }

  /** namespace/name of what a node needs to mount the volume. */
  #secretsOf(name: string): ReadonlySet<string> {
    const csi = this.#objects.get(persistentVolumes, { name })?.spec?.csi;
    const found = [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef];
    return new Set(found.map((ref) => `${ref?.namespace ?? ""}/${ref?.name ?? ""}`));
  }
}
