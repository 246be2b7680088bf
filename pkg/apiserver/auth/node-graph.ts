import type { Pod } from "../../../api/core/v1.ts";
import { persistentVolumeClaims, persistentVolumes, pods } from "../../../api/resources.ts";
import type { Cached, Objects } from "../objects-contract.ts";
import { mirrorAnnotation, podReferences } from "./pod-references.ts";

export interface Vertex {
  readonly kind: "secret" | "configMap" | "claim" | "volume" | "serviceAccount" | "pod";
  /** "" for volumes. */
  readonly namespace: string;
  readonly name: string;
}

/**
 * Which objects a node has to do with: those that pods bound to it name, and the volumes of their
 * claims. The pods of a node come from an index of the watch cache, so that nothing here is ever
 * behind it; kept is what each of them names, as one text, until it changes.
 */
export class NodeGraph {
  readonly #objects: Objects;
  readonly #named = new WeakMap<object, string>();

  constructor(objects: Objects) {
    this.#objects = objects;
  }

  hasPath(nodeName: string, { kind, namespace, name }: Vertex): boolean {
    switch (kind) {
      case "pod":
        return this.#objects.get(pods, { namespace, name })?.spec?.nodeName === nodeName;
      case "volume":
        return this.#volumesOf(nodeName).includes(name);
      case "secret":
        return (
          this.#isNamed(nodeName, namespace, line(kind, name)) ||
          this.#volumesOf(nodeName).some((volume) => this.#needs(volume, { namespace, name }))
        );
      default:
        return this.#isNamed(nodeName, namespace, line(kind, name));
    }
  }

  #isNamed(nodeName: string, namespace: string, wanted: string): boolean {
    return this.#objects
      .withField(pods, "spec.nodeName", nodeName)
      .some((pod) => pod.namespace === namespace && this.#linesOf(pod).includes(wanted));
  }

  #linesOf(pod: Cached<Pod>): string {
    let lines = this.#named.get(pod.version);
    if (lines === undefined) {
      lines = linesOf(pod.object());
      this.#named.set(pod.version, lines);
    }
    return lines;
  }

  /** Names of the PersistentVolumes behind the claims of the node's pods. */
  #volumesOf(nodeName: string): readonly string[] {
    return this.#objects.withField(pods, "spec.nodeName", nodeName).flatMap((pod) => {
      const claims = this.#linesOf(pod).matchAll(/\nclaim ([^\n]+)/g);
      return [...claims].flatMap(([, name = ""]) => {
        const key = { namespace: pod.namespace, name };
        return this.#objects.get(persistentVolumeClaims, key)?.spec?.volumeName ?? [];
      });
    });
  }

  /** A node logs in to a volume's storage with a Secret that the volume names. */
  #needs(volume: string, secret: { readonly namespace: string; readonly name: string }): boolean {
    const csi = this.#objects.get(persistentVolumes, { name: volume })?.spec?.csi;
    return [csi?.nodePublishSecretRef, csi?.nodeStageSecretRef, csi?.nodeExpandSecretRef].some(
      (ref) => ref?.namespace === secret.namespace && ref.name === secret.name,
    );
  }
}

/** No name has a line break in it. */
const line = (kind: Vertex["kind"], name: string): string => `\n${kind} ${name}\n`;

/** What the pod names; of a mirror pod nothing, since the node itself wrote it. */
function linesOf(pod: Pod): string {
  if (pod.metadata?.annotations?.[mirrorAnnotation] !== undefined) return "";
  const { secrets, configMaps, claims, serviceAccount } = podReferences(pod);
  return [
    ...[...secrets].map((name) => line("secret", name)),
    ...[...configMaps].map((name) => line("configMap", name)),
    ...[...claims].map((name) => line("claim", name)),
    ...(serviceAccount === "" ? [] : [line("serviceAccount", serviceAccount)]),
  ].join("");
}
