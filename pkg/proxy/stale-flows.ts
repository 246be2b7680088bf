/**
 * UDP has no end of a connection: the kernel goes on translating a client's packets to an endpoint
 * that is gone, for as long as the client sends from the same port. What must be forgotten is found
 * here; `pkg/linux/conntrack.ts` makes the kernel forget. Pure.
 */
import type { Flow } from "../linux/conntrack-message.ts";
import type { ServiceRule, Target } from "./service-rule.ts";

const textOf = ({ ip, port }: Target): string => `${ip}:${port}`;
const namesOf = (targets: readonly Target[]): ReadonlySet<string> => new Set(targets.map(textOf));

/** The UDP rules as they were last applied. */
export class UdpRules {
  readonly #rules = new Map<string, ServiceRule>();

  /**
   * Puts `after` in place of what was known under `keys`; returns the rules that have lost somebody
   * who answers, as they are now: those that are gone have none.
   */
  change(keys: readonly string[], after: readonly ServiceRule[]): readonly ServiceRule[] {
    const before = keys.flatMap((key) => this.#rules.get(key) ?? []);
    for (const key of keys) this.#rules.delete(key);
    for (const rule of after) if (rule.protocol === "udp") this.#rules.set(rule.key, rule);
    return before.flatMap((rule) => {
      const now = this.#rules.get(rule.key) ?? { ...rule, serving: [] };
      const left = namesOf(now.serving);
      return rule.serving.every((target) => left.has(textOf(target))) ? [] : [now];
    });
  }

  all(): readonly ServiceRule[] {
    return [...this.#rules.values()];
  }
}

/** True for flows to one of the rules that lead to nobody who answers for it. */
export function staleFlows(rules: readonly ServiceRule[]): (flow: Flow) => boolean {
  const byAddress = new Map<string, ReadonlySet<string>>();
  const byNodePort = new Map<number, ReadonlySet<string>>();
  for (const { addresses, port, nodePort, serving } of rules) {
    const names = namesOf(serving);
    for (const ip of addresses) byAddress.set(textOf({ ip, port }), names);
    if (nodePort !== undefined) byNodePort.set(nodePort, names);
  }
  return ({ original, reply }) => {
    const { destinationIp: ip, destinationPort: port } = original;
    const target = textOf({ ip: reply.sourceIp, port: reply.sourcePort });
    const targets = byAddress.get(textOf({ ip, port }));
    if (targets !== undefined) return !targets.has(target);
    // A flow to somebody else's port of the same number is not translated, and none of ours.
    const isTranslated = reply.sourceIp !== ip;
    return isTranslated && byNodePort.get(port)?.has(target) === false;
  };
}
