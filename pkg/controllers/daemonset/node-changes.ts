import type { Node } from "../../../api/core/v1.ts";
import { daemonSets, nodes } from "../../../api/resources.ts";
import { keyOf } from "../../client/informer-store.ts";
import type { Lookup } from "../../controller/controller.ts";

/** What decides whether a daemon may run there; heartbeats change none of it. */
const factsOf = ({ metadata, spec }: Node): string =>
  JSON.stringify([metadata?.uid, metadata?.labels, spec?.taints]);

/** Wakes all DaemonSets when a node comes, goes, or becomes another to them. */
export class NodeChanges {
  readonly #facts = new Map<string, string>();

  readonly wakes = (node: Node, lookup: Lookup): readonly string[] => {
    const name = node.metadata?.name ?? "";
    const now = lookup.informer(nodes).get(name);
    const facts = now === undefined ? undefined : factsOf(now);
    if (facts !== undefined && this.#facts.get(name) === facts) return [];
    if (facts === undefined) this.#facts.delete(name);
    else this.#facts.set(name, facts);
    return lookup.informer(daemonSets).list().map(keyOf);
  };
}
