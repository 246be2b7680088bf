import type { Node } from "../../api/core/v1.ts";
import { nodeLabels } from "./node-labels.ts";

/** What a count reads of a node: its number, and the node itself. */
export interface CountedNode {
  readonly slot: number;
  readonly node: Node;
}

/** Which nodes count, beyond having the topology's label. Compared by `key`. */
export interface Eligibility {
  readonly key: string;
  readonly admits: (node: Node) => boolean;
}

const nowhere = -1;

/**
 * How many pods of one sort each value of a topology label ("domain") holds. Kept by addition: a
 * pod that comes or goes costs one step, a node a few, and every question is one look.
 */
export class TopologyTally {
  readonly topologyKey: string;
  readonly #eligibility: Eligibility | undefined;
  readonly #domains = new Map<string, number>();
  /** By domain: pods on nodes that count, and how many such nodes there are. */
  readonly #pods: number[] = [];
  readonly #members: number[] = [];
  /** Domains with members, by how many pods they hold. */
  readonly #holding: number[] = [];
  #domainCount = 0;
  #least = 0;
  #total = 0;
  // By slot of a node:
  #domainAt: number[] = [];
  #counts: boolean[] = [];
  #podsAt: number[] = [];

  constructor(topologyKey: string, eligibility?: Eligibility) {
    this.topologyKey = topologyKey;
    this.#eligibility = eligibility;
  }

  /** Domains that have a node that counts. */
  get domainCount(): number {
    return this.#domainCount;
  }
  /** The least that any of them holds; 0 when there is none. */
  get least(): number {
    return this.#domainCount === 0 ? 0 : this.#least;
  }
  /** Pods in all domains. */
  get total(): number {
    return this.#total;
  }
  /** The domain of a node as a small number, to compare with; -1: it lacks the label. */
  domainOf({ slot }: CountedNode): number {
    return this.#domainAt[slot] ?? nowhere;
  }
  has({ slot }: CountedNode): boolean {
    return (this.#domainAt[slot] ?? nowhere) !== nowhere;
  }
  /** Pods in the node's domain; 0 where it lacks the label. */
  podsAround({ slot }: CountedNode): number {
    const domain = this.#domainAt[slot] ?? nowhere;
    return domain === nowhere ? 0 : (this.#pods[domain] ?? 0);
  }

  /** A node that is new, or whose labels or taints changed. */
  setNode(node: CountedNode): void {
    const { slot } = node;
    this.#leaveDomain(slot);
    const value = nodeLabels(node.node)[this.topologyKey];
    this.#domainAt[slot] = value === undefined ? nowhere : this.#indexOf(value);
    this.#counts[slot] = value !== undefined && (this.#eligibility?.admits(node.node) ?? true);
    this.#podsAt[slot] ??= 0;
    this.#joinDomain(slot);
  }

  removeNode({ slot }: CountedNode): void {
    this.#leaveDomain(slot);
    this.#domainAt[slot] = nowhere;
    this.#counts[slot] = false;
    this.#podsAt[slot] = 0;
  }

  /** So many more pods on the node (fewer: negative). */
  add({ slot }: CountedNode, change: number): void {
    this.#podsAt[slot] = (this.#podsAt[slot] ?? 0) + change;
    if (this.#counts[slot] !== true) return;
    this.#shift(this.#domainAt[slot] ?? nowhere, change);
  }

  #indexOf(value: string): number {
    const known = this.#domains.get(value);
    if (known !== undefined) return known;
    const index = this.#pods.length;
    this.#domains.set(value, index);
    this.#pods.push(0);
    this.#members.push(0);
    return index;
  }

  #joinDomain(slot: number): void {
    if (this.#counts[slot] !== true) return;
    const domain = this.#domainAt[slot] ?? nowhere;
    this.#members[domain] = (this.#members[domain] ?? 0) + 1;
    if (this.#members[domain] === 1) {
      this.#domainCount += 1;
      // What the first member holds is added below: until then the domain holds nothing.
      this.#hold(0);
      if (this.#domainCount === 1) this.#least = 0;
    }
    this.#shift(domain, this.#podsAt[slot] ?? 0);
  }

  #leaveDomain(slot: number): void {
    if (this.#counts[slot] !== true) return;
    const domain = this.#domainAt[slot] ?? nowhere;
    this.#shift(domain, -(this.#podsAt[slot] ?? 0));
    this.#members[domain] = (this.#members[domain] ?? 0) - 1;
    if (this.#members[domain] > 0) return;
    this.#domainCount -= 1;
    this.#release(0);
  }

  #shift(domain: number, change: number): void {
    if (change === 0) return;
    const before = this.#pods[domain] ?? 0;
    this.#pods[domain] = before + change;
    this.#total += change;
    this.#hold(before + change);
    this.#release(before);
  }

  #hold(pods: number): void {
    this.#holding[pods] = (this.#holding[pods] ?? 0) + 1;
    if (pods < this.#least) this.#least = pods;
  }

  #release(pods: number): void {
    const left = (this.#holding[pods] ?? 0) - 1;
    this.#holding[pods] = left;
    if (left > 0 || pods !== this.#least || this.#domainCount === 0) return;
    while ((this.#holding[this.#least] ?? 0) === 0) this.#least += 1;
  }
}
