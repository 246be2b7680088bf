/**
 * The node's service rules as one nftables table, and the smallest transaction that leads from one
 * state of it to the next. Pure: rules in, text out; `apply` hands the text to the kernel, which
 * takes all of it or nothing. A change of one service costs that service's lines, whatever the
 * number of services.
 */
import type { ServiceRule, Target } from "./service-rule.ts";

export const tableName = "tskube";
const table = `ip ${tableName}`;
/** kube-proxy's mark for packets that must leave with the node's own address. */
const masqueradeMark = "0x4000";

/** What of the table stands for one service port: its chains with rules, its map elements. */
interface Entry {
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Text of an element by map name and key: "service-ips" + "10.96.0.1 . tcp . 443". */
  readonly elements: ReadonlyMap<string, string>;
  readonly podIps: readonly string[];
}

/** FNV-1a, 64 bits in hex: chain names must be short, the key is in the rule's comment. */
function hash(value: string): string {
  let state = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(value)) {
    state = ((state ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  }
  return state.toString(16).padStart(16, "0");
}

function pick(targets: readonly Target[], sticky: boolean): string {
  const choices = targets.map(({ ip, port }, index) => `${index} : ${ip} . ${port}`).join(", ");
  // Sticky: the client's address decides, so it needs no state and survives a restart.
  const by = sticky ? "jhash ip saddr" : "numgen random";
  return `${by} mod ${targets.length} map { ${choices} }`;
}

const translate = (rule: ServiceRule, targets: readonly Target[]): string =>
  `meta l4proto ${rule.protocol} dnat ip addr . port to ${pick(targets, rule.sticky)} comment "${rule.key}"`;

/** Element: key in the map, what it leads to. The first part of the result names the map. */
function elementsOf(rule: ServiceRule, internal: string, external: string): Map<string, string> {
  const elements = new Map<string, string>();
  const hasTargets = rule.targets.length > 0;
  for (const address of rule.addresses) {
    const key = `${address} . ${rule.protocol} . ${rule.port}`;
    if (hasTargets) elements.set(`service-ips|${key}`, `goto ${internal}`);
    else elements.set(`no-endpoint-services|${key}`, "goto refuse");
  }
  if (rule.nodePort !== undefined) {
    const key = `${rule.protocol} . ${rule.nodePort}`;
    if (rule.externalTargets.length > 0) elements.set(`node-ports|${key}`, `goto ${external}`);
    // Local policy without a local endpoint: silence, so that a balancer tries another node.
    else
      elements.set(
        `no-endpoint-node-ports|${key}`,
        rule.keepsClientAddress ? "drop" : "goto refuse",
      );
  }
  return elements;
}

function entryOf(rule: ServiceRule): Entry {
  const internal = `svc-${hash(rule.key)}`;
  const external = `ext-${hash(rule.key)}`;
  const chains = new Map<string, readonly string[]>();
  if (rule.targets.length > 0) chains.set(internal, [translate(rule, rule.targets)]);
  if (rule.nodePort !== undefined && rule.externalTargets.length > 0) {
    const mark = rule.keepsClientAddress ? [] : ["jump mark-for-masquerade"];
    chains.set(external, [...mark, translate(rule, rule.externalTargets)]);
  }
  const podIps = [...rule.targets, ...rule.externalTargets].map((target) => target.ip);
  return { chains, elements: elementsOf(rule, internal, external), podIps };
}

/** The table without any service: its maps and the chains that hang in the kernel's hooks. */
export const emptyTable: readonly string[] = [
  `add table ${table}`,
  `delete table ${table}`,
  `add table ${table} { comment "tskube: services"; }`,
  `add map ${table} service-ips { type ipv4_addr . inet_proto . inet_service : verdict; }`,
  `add map ${table} node-ports { type inet_proto . inet_service : verdict; }`,
  `add map ${table} no-endpoint-services { type ipv4_addr . inet_proto . inet_service : verdict; }`,
  `add map ${table} no-endpoint-node-ports { type inet_proto . inet_service : verdict; }`,
  `add set ${table} hairpin { type ipv4_addr . ipv4_addr; }`,
  `add chain ${table} mark-for-masquerade`,
  `add rule ${table} mark-for-masquerade meta mark set meta mark or ${masqueradeMark}`,
  `add chain ${table} refuse`,
  `add rule ${table} refuse meta l4proto tcp reject with tcp reset`,
  `add rule ${table} refuse reject`,
  `add chain ${table} services`,
  `add rule ${table} services ip daddr . meta l4proto . th dport vmap @service-ips`,
  `add rule ${table} services fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @node-ports`,
  `add chain ${table} endpoints-check`,
  `add rule ${table} endpoints-check ip daddr . meta l4proto . th dport vmap @no-endpoint-services`,
  `add rule ${table} endpoints-check fib daddr type local ip daddr != 127.0.0.0/8 meta l4proto . th dport vmap @no-endpoint-node-ports`,
  `add chain ${table} nat-prerouting { type nat hook prerouting priority dstnat; }`,
  `add rule ${table} nat-prerouting jump services`,
  `add chain ${table} nat-output { type nat hook output priority -100; }`,
  `add rule ${table} nat-output jump services`,
  `add chain ${table} nat-postrouting { type nat hook postrouting priority srcnat; }`,
  // The mark ends here: a tunnel's datagram keeps the mark of what is in it, and would itself be
  // given another source; where a device fills checksums in, it is then lost.
  `add rule ${table} nat-postrouting meta mark and ${masqueradeMark} == ${masqueradeMark} meta mark set meta mark xor ${masqueradeMark} masquerade fully-random`,
  // A pod that reaches itself through its service must see another address than its own.
  `add rule ${table} nat-postrouting ct status dnat ip saddr . ip daddr @hairpin masquerade fully-random`,
  ...["input", "forward", "output"].flatMap((hook) => [
    `add chain ${table} filter-${hook} { type filter hook ${hook} priority -110; }`,
    `add rule ${table} filter-${hook} ct state new jump endpoints-check`,
  ]),
];

const sameRules = (a: readonly string[] | undefined, b: readonly string[]): boolean =>
  a !== undefined && a.length === b.length && a.every((line, index) => line === b[index]);

/** The table as it was last handed to the kernel, service port by service port. */
export class ServiceTable {
  readonly #entries = new Map<string, Entry>();
  /** How many entries use a pod address: the hairpin set holds each once. */
  readonly #podIpUses = new Map<string, number>();

  /**
   * The transaction that puts `rules` in place of all that was known under `keys`; empty when
   * nothing changes. The caller applies it, or builds a new table after a failure.
   */
  change(keys: readonly string[], rules: readonly ServiceRule[]): readonly string[] {
    const wanted = new Map(rules.map((rule) => [rule.key, entryOf(rule)]));
    const before = keys.flatMap((key) => this.#entries.get(key) ?? []);
    const after = [...wanted.values()];
    const lines = [...chainLines(before, after), ...this.#hairpinLines(before, after)];
    for (const key of keys) this.#entries.delete(key);
    for (const [key, entry] of wanted) this.#entries.set(key, entry);
    return lines;
  }

  #hairpinLines(before: readonly Entry[], after: readonly Entry[]): readonly string[] {
    const touched = new Map<string, number>();
    const count = (entries: readonly Entry[], by: number): void => {
      for (const ip of entries.flatMap((entry) => entry.podIps)) {
        touched.set(ip, (touched.get(ip) ?? 0) + by);
      }
    };
    count(before, -1);
    count(after, 1);
    const lines: string[] = [];
    for (const [ip, by] of touched) {
      const was = this.#podIpUses.get(ip) ?? 0;
      const now = was + by;
      if (now > 0) this.#podIpUses.set(ip, now);
      else this.#podIpUses.delete(ip);
      if (was === 0 && now > 0) lines.push(`add element ${table} hairpin { ${ip} . ${ip} }`);
      if (was > 0 && now === 0) lines.push(`delete element ${table} hairpin { ${ip} . ${ip} }`);
    }
    return lines;
  }
}

const merged = <V>(maps: readonly ReadonlyMap<string, V>[]): Map<string, V> =>
  new Map(maps.flatMap((map) => [...map]));

/**
 * An element is named by map and key; a map's verdict cannot be changed, only taken out and put.
 */
const elementLine = (verb: "add" | "delete", name: string, verdict: string): string => {
  const [map = "", key = ""] = name.split("|");
  return `${verb} element ${table} ${map} { ${key}${verb === "add" ? ` : ${verdict}` : ""} }`;
};

/** Order within the transaction: chains exist before elements lead to them, and leave after. */
function chainLines(before: readonly Entry[], after: readonly Entry[]): readonly string[] {
  const oldChains = merged(before.map((entry) => entry.chains));
  const newChains = merged(after.map((entry) => entry.chains));
  const oldElements = merged(before.map((entry) => entry.elements));
  const newElements = merged(after.map((entry) => entry.elements));
  const lines: string[] = [];
  for (const [chain, rules] of newChains) {
    const old = oldChains.get(chain);
    if (sameRules(old, rules)) continue;
    lines.push(old === undefined ? `add chain ${table} ${chain}` : `flush chain ${table} ${chain}`);
    lines.push(...rules.map((rule) => `add rule ${table} ${chain} ${rule}`));
  }
  for (const [name, verdict] of oldElements) {
    if (newElements.get(name) !== verdict) lines.push(elementLine("delete", name, verdict));
  }
  for (const [name, verdict] of newElements) {
    if (oldElements.get(name) !== verdict) lines.push(elementLine("add", name, verdict));
  }
  for (const chain of oldChains.keys()) {
    if (!newChains.has(chain))
      lines.push(`flush chain ${table} ${chain}`, `delete chain ${table} ${chain}`);
  }
  return lines;
}
