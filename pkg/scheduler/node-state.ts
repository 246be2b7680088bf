import type { Node, Pod } from "../../api/core/v1.ts";
import { quantityMilliValue, quantityValue } from "../machinery/quantity.ts";
import { imageNamesOf } from "./node-images.ts";
import type { HostPortDemand, PodDemand } from "./pod-demand.ts";
import type { Indexed } from "./pod-group.ts";

/**
 * Scores count a container without requests as this, so that such pods spread (upstream's
 * values).
 */
const unstatedCpuMilli = 100;
const unstatedMemoryBytes = 200 * 1024 * 1024;

/** A pod on a node, bound or assumed. */
export interface PlacedPod extends Indexed {
  readonly pod: Pod;
  readonly demand: PodDemand;
}

/**
 * One node as the scheduler sees it: what it has, and what the pods on it (bound or assumed) take.
 * Kept up to date by addition and subtraction; a filter reads plain numbers.
 */
export class NodeState {
  readonly name: string;
  /** A small number of its own while it is known: results are kept in arrays by it. */
  readonly slot: number;
  node: Node;
  /** Grows with every change of the node or of what is on it, and is never used again. */
  generation = 0;
  cpuMilli = 0;
  memoryBytes = 0;
  ephemeralBytes = 0;
  podCount = 0;
  others: ReadonlyMap<string, number> = new Map();
  /** Bytes by name. */
  images: ReadonlyMap<string, number> = new Map();
  usedCpuMilli = 0;
  usedMemoryBytes = 0;
  usedEphemeralBytes = 0;
  /** Like the used ones, with a share for pods that ask for nothing: only scores read them. */
  scoredCpuMilli = 0;
  scoredMemoryBytes = 0;
  readonly usedOthers = new Map<string, number>();
  readonly usedPorts = new Map<string, HostPortDemand>();
  /** By uid. */
  readonly pods = new Map<string, PlacedPod>();
  /** How many of them have each priority. */
  readonly #priorities = new Map<number, number>();

  constructor(node: Node, slot: number) {
    this.name = node.metadata?.name ?? "";
    this.slot = slot;
    this.node = node;
    this.update(node);
  }

  update(node: Node): void {
    this.node = node;
    const allocatable = node.status?.allocatable ?? {};
    this.cpuMilli = quantityMilliValue(allocatable["cpu"] ?? "0");
    this.memoryBytes = quantityValue(allocatable["memory"] ?? "0");
    this.ephemeralBytes = quantityValue(allocatable["ephemeral-storage"] ?? "0");
    this.podCount = quantityValue(allocatable["pods"] ?? "0");
    this.others = new Map(
      Object.entries(allocatable).map(([name, quantity]) => [name, quantityValue(quantity)]),
    );
    this.images = imageNamesOf(node);
  }

  add(placed: PlacedPod): void {
    const uid = placed.pod.metadata?.uid ?? "";
    this.pods.set(uid, placed);
    this.#count(placed, 1);
    for (const port of placed.demand.hostPorts) this.usedPorts.set(portKey(port, uid), port);
  }

  /** Another version of a pod that takes the same. */
  replace(placed: PlacedPod, pod: Pod): void {
    this.pods.set(pod.metadata?.uid ?? "", { ...placed, pod });
  }

  remove(uid: string): PlacedPod | undefined {
    const known = this.pods.get(uid);
    if (known === undefined) return undefined;
    this.pods.delete(uid);
    this.#count(known, -1);
    for (const port of known.demand.hostPorts) this.usedPorts.delete(portKey(port, uid));
    return known;
  }

  /** Whether a pod of lower priority is here. */
  hasBelow(priority: number): boolean {
    for (const one of this.#priorities.keys()) if (one < priority) return true;
    return false;
  }

  #count({ demand, pod }: PlacedPod, sign: 1 | -1): void {
    const priority = pod.spec?.priority ?? 0;
    const left = (this.#priorities.get(priority) ?? 0) + sign;
    if (left > 0) this.#priorities.set(priority, left);
    else this.#priorities.delete(priority);
    this.usedCpuMilli += sign * demand.cpuMilli;
    this.usedMemoryBytes += sign * demand.memoryBytes;
    this.usedEphemeralBytes += sign * demand.ephemeralBytes;
    this.scoredCpuMilli += sign * scoredCpu(demand);
    this.scoredMemoryBytes += sign * scoredMemory(demand);
    for (const [name, value] of demand.others) {
      this.usedOthers.set(name, (this.usedOthers.get(name) ?? 0) + sign * value);
    }
  }
}

export const scoredCpu = (demand: PodDemand): number => demand.cpuMilli || unstatedCpuMilli;
export const scoredMemory = (demand: PodDemand): number =>
  demand.memoryBytes || unstatedMemoryBytes;

const portKey = (port: HostPortDemand, uid: string): string =>
  `${port.protocol}/${port.ip}/${port.port}/${uid}`;
