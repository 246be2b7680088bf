import { describe, expect, it } from "vitest";
import type { Service } from "../../api/core/v1.ts";
import type { EndpointSlice } from "../../api/discovery/v1.ts";
import { ClusterZone } from "./cluster-zone.ts";
import { recordType, type RecordData } from "./message.ts";

const service = (name: string, spec: Service["spec"]): Service => ({
  metadata: { name, namespace: "default" },
  spec: spec ?? {},
});
const web = service("web", { clusterIP: "10.96.0.10", ports: [{ name: "http", port: 80 }] });
const db = service("db", { clusterIP: "None", ports: [{ name: "sql", port: 5432 }] });
const dbSlice: EndpointSlice = {
  metadata: { name: "db-1", namespace: "default" },
  addressType: "IPv4",
  ports: [{ name: "sql", port: 5432, protocol: "TCP" }],
  endpoints: [
    { addresses: ["10.244.0.5"], hostname: "db-0", conditions: { ready: true } },
    { addresses: ["10.244.0.6"], conditions: { ready: true } },
    { addresses: ["10.244.0.7"], conditions: { ready: false } },
  ],
};
const zone = (): ClusterZone => {
  const made = new ClusterZone("cluster.local");
  made.setNamespaces(["default"]);
  made.setService("default/web", web, []);
  made.setService("default/db", db, [dbSlice]);
  made.setService(
    "default/out",
    service("out", { type: "ExternalName", externalName: "Example.ORG." }),
    [],
  );
  return made;
};
const show = (data: RecordData): string =>
  Object.entries(data)
    .filter(([key]) => !["serial", "minimumTtlSeconds"].includes(key))
    .map(([, value]) => value)
    .join(" ");
const ask = (name: string, type: number): string => {
  const { code, answers } = zone().answer(name, type);
  return `${code} ${answers.map(({ data }) => show(data)).join(", ")}`.trim();
};

describe("names of the specification", () => {
  for (const [title, name, type, expected] of [
    ["a service", "web.default.svc.cluster.local", recordType.a, "0 A 10.96.0.10"],
    ["a service has no IPv6 address here", "web.default.svc.cluster.local", recordType.aaaa, "0"],
    [
      "a named port",
      "_http._tcp.web.default.svc.cluster.local",
      recordType.srv,
      "0 SRV 0 100 80 web.default.svc.cluster.local",
    ],
    [
      "back from a cluster IP",
      "10.0.96.10.in-addr.arpa",
      recordType.ptr,
      "0 PTR web.default.svc.cluster.local",
    ],
    [
      "a headless service: ready endpoints",
      "db.default.svc.cluster.local",
      recordType.a,
      "0 A 10.244.0.5, A 10.244.0.6",
    ],
    [
      "an endpoint by host name",
      "db-0.db.default.svc.cluster.local",
      recordType.a,
      "0 A 10.244.0.5",
    ],
    [
      "an endpoint by address",
      "10-244-0-6.db.default.svc.cluster.local",
      recordType.a,
      "0 A 10.244.0.6",
    ],
    [
      "ports of endpoints",
      "_sql._tcp.db.default.svc.cluster.local",
      recordType.srv,
      "0 SRV 0 100 5432 db-0.db.default.svc.cluster.local, SRV 0 100 5432 10-244-0-6.db.default.svc.cluster.local",
    ],
    ["an external name", "out.default.svc.cluster.local", recordType.a, "0 CNAME example.org"],
    [
      "a pod by its address",
      "10-244-0-9.default.pod.cluster.local",
      recordType.a,
      "0 A 10.244.0.9",
    ],
    [
      "no pod in a namespace that is not there",
      "10-244-0-9.nowhere.pod.cluster.local",
      recordType.a,
      "3",
    ],
    ["the version", "dns-version.cluster.local", recordType.txt, "0 TXT 1.1.0"],
    ["a name between others exists", "svc.cluster.local", recordType.a, "0"],
    ["a name that is not there", "nope.default.svc.cluster.local", recordType.a, "3"],
  ] as const) {
    it(title, () => expect(ask(name, type)).toBe(expected));
  }
});

describe("changes", () => {
  it("a deleted service leaves nothing behind", () => {
    const made = zone();
    made.setService("default/web", undefined, []);
    made.setService("default/db", undefined, []);
    expect(made.answer("web.default.svc.cluster.local", recordType.a).code).toBe(3);
    expect(made.answer("_tcp.db.default.svc.cluster.local", recordType.a).code).toBe(3);
    expect(made.owns("10.0.96.10.in-addr.arpa")).toBe(false);
  });
  it("negative answers carry the zone's SOA", () => {
    expect(zone().answer("nope.cluster.local", recordType.a).authority[0]?.data.type).toBe("SOA");
  });
  it("other zones are not ours", () => {
    expect([
      zone().owns("example.org"),
      zone().owns("notcluster.local"),
      zone().owns("1.0.0.10.in-addr.arpa"),
    ]).toEqual([false, false, false]);
  });
});
