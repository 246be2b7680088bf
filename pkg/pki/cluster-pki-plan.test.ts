import { describe, expect, it } from "vitest";
import { filesOf, planClusterPki, renewBeforeMs, type FileFacts } from "./cluster-pki-plan.ts";
import { clusterEntries, type ClusterPki } from "./cluster-pki.ts";

const pki: ClusterPki = {
  folder: "/etc/tskube/pki",
  kubeconfigFolder: "/etc/tskube",
  clusterName: "kubernetes",
  serverUrl: "https://10.0.0.1:6443",
  serverNames: ["api.example.org"],
  serviceAddress: "10.96.0.1",
  dnsDomain: "cluster.local",
  node: { name: "n1", addresses: ["10.0.0.1"] },
  adminGroup: "system:masters",
  hasEtcd: true,
};
const now = Date.UTC(2026, 0, 1);
const yearMs = 365 * 24 * 3_600_000;

const complete = (): Map<string, FileFacts> =>
  new Map(
    clusterEntries(pki).flatMap((entry) =>
      filesOf(entry).map((file): [string, FileFacts] => [
        file,
        file.endsWith(".key") || file.endsWith(".pub")
          ? {}
          : { notAfterMs: now + yearMs, names: "names" in entry ? entry.names : [] },
      ]),
    ),
  );

const planned = (existing: ReadonlyMap<string, FileFacts>): readonly string[] =>
  planClusterPki(pki, existing, now).steps.map(({ entry, because }) => `${entry.file}: ${because}`);

describe("planClusterPki", () => {
  it("writes everything into an empty folder, authorities before what they sign", async () => {
    await expect(`${planned(new Map()).join("\n")}\n`).toMatchFileSnapshot("testdata/empty.txt");
  });

  it("writes nothing where all is well", () => expect(planned(complete())).toEqual([]));

  it("writes a leaf that lost its key", () => {
    const existing = complete();
    existing.delete("apiserver.key");
    expect(planned(existing)).toEqual(["apiserver: apiserver.key is missing"]);
  });

  it("renews a leaf and a kubeconfig that end soon", () => {
    const existing = complete();
    const soon = { notAfterMs: now + renewBeforeMs - 1 };
    existing.set("front-proxy-client.crt", soon).set("admin.conf", soon);
    expect(planned(existing)).toEqual([
      "front-proxy-client: front-proxy-client.crt ends soon",
      "admin.conf: admin.conf ends soon",
    ]);
  });

  it("writes a server certificate anew for a new name", () => {
    const existing = complete();
    existing.set("apiserver.crt", { notAfterMs: now + yearMs, names: ["kubernetes"] });
    expect(planned(existing)).toEqual([
      "apiserver: apiserver.crt lacks the name kubernetes.default",
    ]);
  });

  it("makes the other half of a key that a kill left alone, and what hangs on it", () => {
    const existing = complete();
    existing.delete("front-proxy-ca.crt");
    expect(planned(existing)).toEqual([
      "front-proxy-ca: front-proxy-ca.crt is missing",
      "front-proxy-client: its authority front-proxy-ca is new",
    ]);
  });

  it("names an authority without its key, and one that has expired, and leaves both", () => {
    const existing = complete();
    existing.delete("ca.key");
    existing.set("etcd/ca.crt", { notAfterMs: now });
    const plan = planClusterPki(pki, existing, now);
    expect(plan.problems).toEqual([
      "ca.crt exists without ca.key",
      "authority etcd/ca.crt has expired",
    ]);
    expect(plan.steps).toEqual([]);
  });
});
