import { afterEach, describe, expect, it } from "vitest";
import type { Service } from "../../api/core/v1.ts";
import type { EndpointSlice } from "../../api/discovery/v1.ts";
import { endpointSlices, nodes, services } from "../../api/resources.ts";
import { StoredInformers } from "../client/testing/stored-informers.ts";
import type { Nftables } from "../linux/nftables.ts";
import { settle, SimulatedClock } from "../sim/simulated-clock.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { emptyTable } from "./plan.ts";
import { removeServiceTable, runServiceProxy } from "./service-proxy.ts";

const service = (name: string, clusterIP: string): Service => ({
  metadata: { name, namespace: "default" },
  spec: { clusterIP, ports: [{ name: "http", port: 80 }] },
});
const slice = (of: string, ...ips: readonly string[]): EndpointSlice => ({
  metadata: {
    name: `${of}-1`,
    namespace: "default",
    labels: { "kubernetes.io/service-name": of },
  },
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080 }],
  endpoints: ips.map((ip) => ({ addresses: [ip] })),
});

/** Keeps what it is told, and refuses as often as `failures` says. */
class RecordingNftables implements Nftables {
  readonly transactions: (readonly string[])[] = [];
  failures = 0;
  run(lines: readonly string[]): void {
    if (lines.length === 0) return;
    if (this.failures-- > 0) throw new Error("nft: no such chain");
    this.transactions.push(lines);
  }
  list(): string {
    return "";
  }
}

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function proxyOf(informers: StoredInformers, nftables: RecordingNftables) {
  const clock = new SimulatedClock();
  const ending = new AbortController();
  const conntrack = { remove: () => 0 };
  const doors = { informers, nftables, conntrack, clock, logger: silentLogger };
  const running = runServiceProxy({ ...doors, nodeName: "n1" }, ending.signal);
  const stop = async (): Promise<void> => {
    ending.abort();
    await running;
  };
  ends.push(stop);
  return { clock, stop };
}

function twoServices(): StoredInformers {
  const informers = new StoredInformers();
  informers.put(services, service("web", "10.96.0.10"), service("db", "10.96.0.11"));
  informers.put(endpointSlices, slice("web", "10.244.0.2"), slice("db", "10.244.0.3"));
  return informers;
}

async function running() {
  const informers = twoServices();
  const nftables = new RecordingNftables();
  const proxy = proxyOf(informers, nftables);
  await settle();
  return { informers, nftables, ...proxy };
}

describe("the service proxy", () => {
  it("builds everything in one transaction, upon an empty table", async () => {
    const { nftables } = await running();
    expect(nftables.transactions).toHaveLength(1);
    const [lines = []] = nftables.transactions;
    expect(lines.slice(0, emptyTable.length)).toEqual(emptyTable);
    expect(lines.filter((line) => line.includes("add element ip tskube service-ips"))).toHaveLength(
      2,
    );
  });

  it("says of a change only what its service needs", async () => {
    const { informers, nftables } = await running();
    informers.put(endpointSlices, slice("web", "10.244.0.2", "10.244.0.4"));
    await settle();
    expect(nftables.transactions).toHaveLength(2);
    const text = nftables.transactions[1]?.join("\n") ?? "";
    expect(text).toContain("10.244.0.4 . 8080");
    expect(text).not.toMatch(/db|10\.96\.0\.11|10\.244\.0\.3/);
  });

  it("puts changes that come together into one transaction", async () => {
    const { informers, nftables } = await running();
    informers.put(services, service("new", "10.96.0.12"));
    informers.put(endpointSlices, slice("new", "10.244.0.5"));
    informers.remove(services, service("db", ""));
    await settle();
    expect(nftables.transactions).toHaveLength(2);
    const text = nftables.transactions[1]?.join("\n") ?? "";
    expect(text).toContain("delete element ip tskube service-ips { 10.96.0.11 . tcp . 80 }");
    expect(text).toContain("add element ip tskube service-ips { 10.96.0.12 . tcp . 80");
  });

  it("is silent about what changes nothing", async () => {
    const { informers, nftables } = await running();
    informers.put(services, {
      ...service("web", "10.96.0.10"),
      metadata: { name: "web", namespace: "default", annotations: { a: "b" } },
    });
    await settle();
    expect(nftables.transactions).toHaveLength(1);
  });

  it("follows a slice that goes over to another service", async () => {
    const { informers, nftables } = await running();
    const moved = { ...slice("web", "10.244.0.3"), metadata: slice("db").metadata ?? {} };
    moved.metadata = { ...moved.metadata, labels: { "kubernetes.io/service-name": "web" } };
    informers.put(endpointSlices, moved);
    await settle();
    const text = nftables.transactions[1]?.join("\n") ?? "";
    expect(text).toContain("no-endpoint-services { 10.96.0.11 . tcp . 80 : goto refuse }");
    expect(text).toContain("10.244.0.2 . 8080, 1 : 10.244.0.3 . 8080");
  });

  for (const failures of [1, 3]) {
    it(`builds anew a second after each of ${failures} failures`, async () => {
      const { informers, nftables, clock } = await running();
      nftables.failures = failures;
      informers.put(services, service("web", "10.96.0.99"));
      await settle();
      await clock.advance(failures * 1_000 - 1);
      expect(nftables.transactions).toHaveLength(1);
      await clock.advance(1);
      expect(nftables.transactions).toHaveLength(2);
      const [, lines = []] = nftables.transactions;
      expect(lines.slice(0, emptyTable.length)).toEqual(emptyTable);
      expect(lines.join("\n")).toContain("10.96.0.99 . tcp . 80");
      expect(lines.join("\n")).toContain("10.96.0.11 . tcp . 80");
    });
  }

  it("what changes during the pause is in the new table", async () => {
    const { informers, nftables, clock } = await running();
    nftables.failures = 1;
    informers.put(services, service("web", "10.96.0.99"));
    await settle();
    informers.put(services, service("web", "10.96.0.100"));
    await clock.advance(1_000);
    expect(nftables.transactions).toHaveLength(2);
    expect(nftables.transactions[1]?.join("\n")).toContain("10.96.0.100 . tcp . 80");
  });
});

describe("the node's zone", () => {
  const near = (zone: string, ip: string) => ({
    addresses: [ip],
    hints: { forZones: [{ name: zone }] },
  });

  it("decides whose endpoints are meant, and may come later than the rules", async () => {
    const { informers, nftables } = await running();
    const endpoints = [near("z1", "10.244.0.7"), near("z2", "10.244.0.8")];
    informers.put(endpointSlices, { ...slice("web"), endpoints });
    await settle();
    const last = (): string => nftables.transactions.at(-1)?.join("\n") ?? "";
    expect(last()).toMatch(/10\.244\.0\.7 .*10\.244\.0\.8 /);
    const labels = { "topology.kubernetes.io/zone": "z2" };
    informers.put(nodes, { metadata: { name: "n1", labels }, spec: {} });
    await settle();
    expect(last()).toContain("10.244.0.8 ");
    expect(last()).not.toContain("10.244.0.7 ");
    const before = nftables.transactions.length;
    informers.put(nodes, { metadata: { name: "n1", labels: { ...labels, more: "" } }, spec: {} });
    await settle();
    expect(nftables.transactions).toHaveLength(before);
  });
});

describe("stopping", () => {
  it("ends at once, and leaves the table", async () => {
    const { informers, nftables, stop } = await running();
    await stop();
    informers.put(services, service("web", "10.96.0.99"));
    await settle();
    expect(nftables.transactions).toHaveLength(1);
  });

  it("ends also in the pause after a failure", async () => {
    const nftables = new RecordingNftables();
    nftables.failures = Number.MAX_SAFE_INTEGER;
    const { stop } = proxyOf(twoServices(), nftables);
    await settle();
    await stop();
    expect(nftables.transactions).toEqual([]);
  });

  it("taking the table away works whether it is there or not", () => {
    const nftables = new RecordingNftables();
    removeServiceTable(nftables);
    expect(nftables.transactions).toEqual([["add table ip tskube", "delete table ip tskube"]]);
  });
});
