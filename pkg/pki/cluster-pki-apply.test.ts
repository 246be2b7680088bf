import { mkdtemp, readFile, rm, stat, unlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { ensureClusterPki } from "./cluster-pki-apply.ts";
import type { ClusterPki } from "./cluster-pki.ts";
import type { Kubeconfig } from "../machinery/kubeconfig.ts";

const doors = { clock: systemClock, random: systemRandom };

describe("ensureClusterPki", () => {
  let folder = "";
  let pki: ClusterPki;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "cluster-pki-"));
    pki = {
      folder: join(folder, "pki"),
      kubeconfigFolder: folder,
      clusterName: "kubernetes",
      serverUrl: "https://127.0.0.1:6443",
      serverNames: [],
      serviceAddress: "10.96.0.1",
      dnsDomain: "cluster.local",
      node: { name: "n1", addresses: ["10.0.0.1", "FD00:0::1"] },
      adminGroup: "system:masters",
      hasEtcd: false,
    };
    await ensureClusterPki(pki, doors);
  });
  afterAll(() => rm(folder, { recursive: true }));
  const read = (file: string): Promise<string> => readFile(join(folder, file), "utf8");

  it("writes certificates that the cluster's authority signed", async () => {
    const authority = new X509Certificate(await read("pki/ca.crt"));
    const server = new X509Certificate(await read("pki/apiserver.crt"));
    expect(server.verify(authority.publicKey)).toBe(true);
    expect(server.checkHost("kubernetes.default.svc.cluster.local")).toBeDefined();
    expect(server.checkIP("10.96.0.1")).toBeDefined();
  });

  it("keeps keys and kubeconfigs to their owner", async () => {
    for (const [file, mode] of [
      ["pki/ca.key", 0o600],
      ["pki/sa.key", 0o600],
      ["admin.conf", 0o600],
      ["pki/ca.crt", 0o644],
    ] as const) {
      expect([file, (await stat(join(folder, file))).mode & 0o777]).toEqual([file, mode]);
    }
  });

  it("writes kubeconfigs that name their user", async () => {
    const config = parse(await read("kubelet.conf")) as Kubeconfig;
    expect(config["current-context"]).toBe("system:node:n1@kubernetes");
    const data = config.users?.[0]?.user?.["client-certificate-data"] ?? "";
    const { subject } = new X509Certificate(Buffer.from(data, "base64"));
    expect(subject).toBe("O=system:nodes\nCN=system:node:n1");
    expect(config.clusters?.[0]?.cluster?.server).toBe("https://127.0.0.1:6443");
  });

  it("changes nothing the second time, and only what is missing after a loss", async () => {
    expect(await ensureClusterPki(pki, doors)).toEqual([]);
    const key = await read("pki/sa.key");
    await unlink(join(folder, "pki/sa.pub"));
    const steps = await ensureClusterPki(pki, doors);
    expect(steps.map(({ entry }) => entry.file)).toEqual(["sa"]);
    expect(await read("pki/sa.key")).toBe(key);
  });

  it("stops where the authority's key is gone", async () => {
    await unlink(join(folder, "pki/ca.key"));
    await expect(ensureClusterPki(pki, doors)).rejects.toThrow(/ca.crt exists without ca.key/);
  });
});
