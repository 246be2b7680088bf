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

  it("leaves an authority alone that is kept elsewhere, with what it has signed", () => {
    const existing = complete();
    existing.delete("ca.key");
    expect(planClusterPki(pki, existing, now)).toEqual({ steps: [], problems: [] });
  });

  it("names what an authority that is kept elsewhere has to sign", () => {
    const existing = complete();
    for (const file of ["ca.key", "apiserver.crt", "admin.conf"]) existing.delete(file);
    const { steps, problems } = planClusterPki(pki, existing, now);
    expect(steps).toEqual([]);
    expect(problems).toEqual([
      "ca.key is not here to sign what is needed (apiserver.crt is missing, admin.conf is missing)" +
        ": have requests signed where it is (tsadm certs generate-csr)",
    ]);
  });

  it("names the public half of tokens' key without its own, and an authority that has expired", () => {
    const existing = complete();
    existing.delete("sa.key");
    existing.set("etcd/ca.crt", { notAfterMs: now });
    const plan = planClusterPki(pki, existing, now);
    expect(plan.problems).toEqual([
      "authority etcd/ca.crt has expired",
      "sa.pub exists without sa.key",
    ]);
    expect(plan.steps).toEqual([]);
  });

  it("writes a leaf anew whose key is another's, and leaves the rest to a person", () => {
    const existing = complete();
    existing.set("apiserver.crt", { ...existing.get("apiserver.crt"), hasForeignKey: true });
    expect(planned(existing)).toEqual(["apiserver: apiserver.crt is of another key"]);
    existing.set("apiserver.crt", { problem: "apiserver.crt is not signed by ca.crt" });
    const plan = planClusterPki(pki, existing, now);
    expect(plan).toEqual({ steps: [], problems: ["apiserver.crt is not signed by ca.crt"] });
  });
});
