/**
 * The cluster's names (Kubernetes DNS specification 1.1.0): what Services and EndpointSlices are
 * called, as records. Kept service by service, so that one change costs one service. Pure.
 */
import type { Service } from "../../api/core/v1.ts";
import type { EndpointPort, EndpointSlice } from "../../api/discovery/v1.ts";
import {
  recordType,
  responseCode,
  typeNumber,
  type Answer,
  type DnsRecord,
  type RecordData,
} from "./message.ts";

/** How long a client may keep an answer: short, since endpoints come and go. */
const ttlSeconds = 5;
const specVersion = "1.1.0";

interface Names {
  /** By owner name. */
  readonly records: ReadonlyMap<string, readonly DnsRecord[]>;
}

const isIpv4 = (address: string): boolean => /^\d+\.\d+\.\d+\.\d+$/.test(address);
/** The API accepts labels that do not fit into a DNS message (RFC 1035, 3.1). */
const isHostName = (name: string): boolean =>
  name.length <= 253 && name.split(".").every((label) => label !== "" && label.length <= 63);
const reverseName = (ip: string): string => `${ip.split(".").toReversed().join(".")}.in-addr.arpa`;

/** Collects records under their owner names. */
class Collector implements Names {
  readonly records = new Map<string, DnsRecord[]>();
  add(name: string, data: RecordData): void {
    const known = this.records.get(name);
    const record = { name, ttlSeconds, data };
    if (known === undefined) this.records.set(name, [record]);
    else if (!known.some((one) => JSON.stringify(one.data) === JSON.stringify(data)))
      known.push(record);
  }
}

const srv = (port: number, target: string): RecordData => ({
  type: "SRV",
  priority: 0,
  weight: 100,
  port,
  target,
});

/** A service with an address of its own: all names lead to that address. */
function addClusterIps(into: Collector, service: Service, name: string): void {
  const { spec } = service;
  const addresses = (spec?.clusterIPs ?? [spec?.clusterIP ?? ""]).filter(isIpv4);
  for (const address of addresses) {
    into.add(name, { type: "A", address });
    into.add(reverseName(address), { type: "PTR", target: name });
  }
  for (const port of spec?.ports ?? []) {
    if (port.name === undefined || port.name === "") continue;
    into.add(
      `_${port.name}._${(port.protocol ?? "TCP").toLowerCase()}.${name}`,
      srv(port.port, name),
    );
  }
}

/**
 * A headless service: its name leads to every endpoint, and each endpoint has a name of its own.
 */
function addEndpoints(
  into: Collector,
  service: Service,
  slices: readonly EndpointSlice[],
  name: string,
): void {
  const publishAll = service.spec?.publishNotReadyAddresses === true;
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      if (!publishAll && endpoint.conditions?.ready === false) continue;
      for (const address of endpoint.addresses.filter(isIpv4)) {
        const own = `${endpoint.hostname ?? address.replaceAll(".", "-")}.${name}`;
        into.add(name, { type: "A", address });
        into.add(own, { type: "A", address });
        into.add(reverseName(address), { type: "PTR", target: own });
        for (const port of slice.ports ?? []) addPort(into, port, name, own);
      }
    }
  }
}

/** A named port of an endpoint: where it is, for those who ask by the port's name. */
function addPort(into: Collector, port: EndpointPort, name: string, target: string): void {
  if (port.name === undefined || port.name === "" || port.port === undefined) return;
  const owner = `_${port.name}._${(port.protocol ?? "TCP").toLowerCase()}.${name}`;
  into.add(owner, srv(port.port, target));
}

function namesOf(service: Service, slices: readonly EndpointSlice[], zone: string): Names {
  const into = new Collector();
  const { name: serviceName = "", namespace = "" } = service.metadata ?? {};
  const name = `${serviceName}.${namespace}.svc.${zone}`;
  if (service.spec?.type === "ExternalName") {
    const target = (service.spec.externalName ?? "").toLowerCase().replace(/\.$/, "");
    if (isHostName(target)) into.add(name, { type: "CNAME", target });
  } else if (service.spec?.clusterIP === "None") addEndpoints(into, service, slices, name);
  else addClusterIps(into, service, name);
  return into;
}

/** 10-244-0-5.default.pod.ZONE: the address itself, for any well-formed one. */
const podName = /^(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})\.([a-z0-9-]+)\.pod\./;

export class ClusterZone {
  readonly zone: string;
  readonly #services = new Map<string, Names>();
  /** Owner name → the services that have records for it (reverse names may have several). */
  readonly #byName = new Map<string, Map<string, readonly DnsRecord[]>>();
  /** Names that exist because others lie below them: an empty answer, not "no such name". */
  readonly #parents = new Map<string, number>();
  readonly #namespaces = new Set<string>();
  #serial = 1;

  constructor(zone: string) {
    this.zone = zone;
    const version = {
      name: `dns-version.${zone}`,
      ttlSeconds,
      data: { type: "TXT", text: specVersion },
    } as const;
    this.#byName.set(version.name, new Map([["", [version]]]));
  }

  /** Moves with every change: as long as it is the same, so are all answers. */
  get version(): number {
    return this.#serial;
  }

  setNamespaces(names: Iterable<string>): void {
    this.#serial++;
    this.#namespaces.clear();
    for (const name of names) this.#namespaces.add(name);
  }

  /** Puts a service's names in place of those that it had; undefined: the service is gone. */
  setService(key: string, service: Service | undefined, slices: readonly EndpointSlice[]): void {
    this.#serial++;
    for (const name of this.#services.get(key)?.records.keys() ?? []) this.#forget(key, name);
    this.#services.delete(key);
    if (service === undefined) return;
    const names = namesOf(service, slices, this.zone);
    this.#services.set(key, names);
    for (const [name, records] of names.records) {
      const owners = this.#byName.get(name) ?? new Map<string, readonly DnsRecord[]>();
      this.#byName.set(name, owners.set(key, records));
      this.#countParents(name, 1);
    }
  }

  #forget(key: string, name: string): void {
    const owners = this.#byName.get(name);
    owners?.delete(key);
    if (owners?.size === 0) this.#byName.delete(name);
    this.#countParents(name, -1);
  }

  #countParents(name: string, by: number): void {
    for (let dot = name.indexOf("."); dot >= 0; dot = name.indexOf(".", dot + 1)) {
      const parent = name.slice(dot + 1);
      const count = (this.#parents.get(parent) ?? 0) + by;
      if (count > 0) this.#parents.set(parent, count);
      else this.#parents.delete(parent);
    }
  }

  /** Whether the name is ours to answer. Reverse names are only where we know the address. */
  owns(name: string): boolean {
    return (
      name === this.zone ||
      name.endsWith(`.${this.zone}`) ||
      (name.endsWith(".in-addr.arpa") && this.#byName.has(name))
    );
  }

  /** The answer for a name that we own. */
  answer(name: string, type: number): Answer {
    const records = [...(this.#byName.get(name)?.values() ?? [])].flat();
    const pod = records.length === 0 ? this.#podRecord(name) : undefined;
    const found = pod === undefined ? records : [pod];
    const matching = found.filter(
      ({ data }) =>
        type === recordType.any || typeNumber[data.type] === type || data.type === "CNAME",
    );
    const exists = found.length > 0 || this.#parents.has(name) || name === this.zone;
    if (matching.length > 0) return this.#positive(matching);
    const code = exists ? responseCode.noError : responseCode.noSuchName;
    return { code, authoritative: true, answers: [], authority: [this.#soa()], additional: [] };
  }

  #positive(answers: readonly DnsRecord[]): Answer {
    const targets = answers.flatMap(({ data }) => (data.type === "SRV" ? [data.target] : []));
    const additional = [...new Set(targets)].flatMap((target) =>
      [...(this.#byName.get(target)?.values() ?? [])]
        .flat()
        .filter(({ data }) => data.type === "A"),
    );
    return { code: responseCode.noError, authoritative: true, answers, authority: [], additional };
  }

  #podRecord(name: string): DnsRecord | undefined {
    const match = podName.exec(name);
    if (match === null || !name.endsWith(`.pod.${this.zone}`)) return undefined;
    const [, a, b, c, d, namespace = ""] = match;
    const parts = [a, b, c, d].map(Number);
    if (parts.some((part) => part > 255) || !this.#namespaces.has(namespace)) return undefined;
    return { name, ttlSeconds, data: { type: "A", address: parts.join(".") } };
  }

  #soa(): DnsRecord {
    const data = { type: "SOA", serial: this.#serial, minimumTtlSeconds: ttlSeconds } as const;
    return { name: this.zone, ttlSeconds, data };
  }
}
