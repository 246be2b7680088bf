/**
 * The service proxy: keeps the node's nftables table equal to what Services and EndpointSlices say.
 * Watches both kinds; a change marks its service, and all marked services become one transaction.
 * It never touches packets, other tables, or addresses of links.
 */
import type { EndpointSlice } from "../../api/discovery/v1.ts";
import type { Node, Service } from "../../api/core/v1.ts";
import { endpointSlices, nodes, services } from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Informer, Informers } from "../client/client.ts";
import { byService, sliceIndexes, sliceService } from "../machinery/slice-service.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Conntrack } from "../linux/conntrack.ts";
import type { Nftables } from "../linux/nftables.ts";
import { emptyTable, ServiceTable, tableName } from "./plan.ts";
import type { ProxyHealth, ProxyMetrics } from "./proxy-health.ts";
import { serviceRules, type Place, type ServiceRule } from "./service-rule.ts";
import { staleFlows, UdpRules } from "./stale-flows.ts";

export interface ProxyOptions {
  readonly nodeName: string;
  readonly informers: Informers;
  readonly nftables: Nftables;
  readonly conntrack: Conntrack;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Absent: nobody asks. */
  readonly health?: ProxyHealth;
  readonly metrics?: ProxyMetrics;
}

/** After a failed transaction the whole table is built anew, after this pause. */
const rebuildDelayMs = 1_000;

/** Rules do not wait for the node: without it, its zone is not known yet. */
function placeOf(nodeName: string, node: Node | undefined): Place {
  const zone = node?.metadata?.labels?.["topology.kubernetes.io/zone"];
  return zone === undefined ? { nodeName } : { nodeName, zone };
}

const keyOf = (service: Service): string =>
  `${service.metadata?.namespace}/${service.metadata?.name}`;

/** Watches until the signal aborts; the table stays, so that services work while we restart. */
export async function runServiceProxy(options: ProxyOptions, signal: AbortSignal): Promise<void> {
  const { informers, clock, logger, health, metrics } = options;
  const serviceInformer = informers.informer(services);
  const sliceInformer = informers.informer(endpointSlices, { indexes: sliceIndexes });
  await Promise.all([serviceInformer.synced, sliceInformer.synced]);
  const changed = new Wakeup(() => {
    health?.queued();
    metrics?.changes.add();
  });
  using _services = serviceInformer.onChange((now, before) => {
    const service = now ?? before;
    if (service !== undefined) changed.mark(keyOf(service));
  });
  using _slices = sliceInformer.onChange((now, before) => {
    for (const slice of [now, before]) if (slice !== undefined) changed.mark(sliceService(slice));
  });
  const nodeInformer = informers.informer(nodes, {
    fieldSelector: `metadata.name=${options.nodeName}`,
  });
  const table = new AppliedTable(options, serviceInformer, sliceInformer);
  table.place = placeOf(options.nodeName, nodeInformer.get(options.nodeName));
  let rebuild = true;
  using _node = nodeInformer.onChange((node) => {
    const place = placeOf(options.nodeName, node);
    if (place.zone === table.place.zone) return;
    table.place = place;
    rebuild = true;
    changed.wake();
  });
  signal.addEventListener("abort", () => changed.wake(), { once: true });
  while (!signal.aborted) {
    try {
      const start = clock.monotonic();
      const keys = changed.take();
      if (rebuild) table.build();
      else table.update(keys);
      rebuild = false;
      health?.applied();
      metrics?.syncSeconds.observe((clock.monotonic() - start) / 1_000);
      metrics?.lastSync.set(clock.now() / 1_000);
      await changed.next();
    } catch (error) {
      metrics?.failures.add();
      logger.error({ error: chainOf(error) }, "services are not in the kernel yet; building anew");
      rebuild = true;
      await clock.sleep(rebuildDelayMs, signal).catch(() => undefined);
    }
  }
}

/** Takes the table out of the kernel: services stop working on this node. */
export function removeServiceTable(nftables: Nftables): void {
  nftables.run([`add table ip ${tableName}`, `delete table ip ${tableName}`]);
}

/** Keys that changed since they were last taken, and a promise of the next one. */
class Wakeup {
  readonly #keys = new Set<string>();
  readonly #onMark: () => void;
  #wake: (() => void) | undefined;

  constructor(onMark: () => void) {
    this.#onMark = onMark;
  }

  mark(key: string): void {
    this.#keys.add(key);
    this.#onMark();
    this.wake();
  }
  wake(): void {
    this.#wake?.();
  }
  take(): readonly string[] {
    const keys = [...this.#keys];
    this.#keys.clear();
    return keys;
  }
  /** Resolves as soon as a key is marked; at once when one is. */
  next(): Promise<void> {
    if (this.#keys.size > 0) return Promise.resolve();
    return new Promise((resolve) => (this.#wake = resolve));
  }
}

interface Planned {
  /** Lines of one transaction. */
  readonly nft: readonly string[];
  /** UDP rules that have lost an endpoint. */
  readonly lost: readonly ServiceRule[];
}

/** Connects the plan with the kernel's table and the informers. */
class AppliedTable {
  readonly #options: ProxyOptions;
  readonly #services: Informer<Service>;
  readonly #slices: Informer<EndpointSlice>;
  /** Rule keys of each service, as last applied. */
  readonly #ruleKeys = new Map<string, readonly string[]>();
  #table = new ServiceTable();
  readonly #udp = new UdpRules();
  /** What the rules are made for; whoever changes it builds anew. */
  place: Place;

  constructor(
    options: ProxyOptions,
    serviceInformer: Informer<Service>,
    slices: Informer<EndpointSlice>,
  ) {
    this.#options = options;
    this.place = { nodeName: options.nodeName };
    this.#services = serviceInformer;
    this.#slices = slices;
  }

  /** The whole table in one transaction, whatever was there: no connection sees it half made. */
  build(): void {
    this.#table = new ServiceTable();
    this.#ruleKeys.clear();
    const lines = this.#plan(this.#services.list().map(keyOf));
    this.#options.nftables.run([...emptyTable, ...lines.nft]);
    // Whatever changed while nobody looked.
    this.#forget(this.#udp.all());
    this.#options.logger.info({ services: this.#ruleKeys.size }, "services are in the kernel");
  }

  update(keys: readonly string[]): void {
    const { nft, lost } = this.#plan(keys);
    this.#options.nftables.run(nft);
    this.#forget(lost);
  }

  /** Rules are right with or without it: who sent before may have to wait for its flow's end. */
  #forget(rules: readonly ServiceRule[]): void {
    if (rules.length === 0) return;
    const { conntrack, logger } = this.#options;
    try {
      const flows = conntrack.remove(staleFlows(rules));
      if (flows > 0) logger.info({ flows }, "flows to endpoints that are gone have been ended");
    } catch (error) {
      logger.warn({ error: chainOf(error) }, "flows to endpoints that are gone could not be ended");
    }
  }

  #plan(keys: readonly string[]): Planned {
    const before = keys.flatMap((key) => this.#ruleKeys.get(key) ?? []);
    const after = keys.flatMap((key) => {
      const rules = this.#rulesOf(key);
      if (rules.length > 0)
        this.#ruleKeys.set(
          key,
          rules.map((rule) => rule.key),
        );
      else this.#ruleKeys.delete(key);
      return rules;
    });
    return { nft: this.#table.change(before, after), lost: this.#udp.change(before, after) };
  }

  #rulesOf(key: string): readonly ServiceRule[] {
    const service = this.#services.get(key);
    if (service === undefined) return [];
    return serviceRules(service, this.#slices.byIndex(byService, key), this.place);
  }
}
