import { mkdtemp, readFile, rm, stat, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { parse } from "yaml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { ensureClusterPki, readAuthority } from "./cluster-pki-apply.ts";
import type { ClusterPki } from "./cluster-pki.ts";
import { generateKeyPair, privateKeyPem } from "./keys.ts";
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

  it("writes a certificate anew that a kill left with another's key", async () => {
    await writeFile(join(folder, "pki/apiserver.key"), privateKeyPem(generateKeyPair().privateKey));
    const steps = await ensureClusterPki(pki, doors);
    expect(steps.map(({ because }) => because)).toEqual(["apiserver.crt is of another key"]);
    expect(await ensureClusterPki(pki, doors)).toEqual([]);
  });

  it("refuses what is encrypted, foreign, or signed by somebody else", async () => {
    const { privateKey } = generateKeyPair();
    const ca = await read("pki/ca.key");
    const encrypted = privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "secret",
    });
    for (const [file, content, because] of [
      ["ca.key", encrypted, /ca.key is encrypted: decrypt it first/],
      ["ca.key", privateKeyPem(privateKey), /ca.key is not the key of ca.crt/],
      ["front-proxy-client.crt", await read("pki/apiserver.crt"), /not signed by front-proxy-ca/],
    ] as const) {
      const before = await read(`pki/${file}`);
      await writeFile(join(folder, "pki", file), content);
      await expect(ensureClusterPki(pki, doors)).rejects.toThrow(because);
      await writeFile(join(folder, "pki", file), before);
    }
    expect(await read("pki/ca.key")).toBe(ca);
    expect(await ensureClusterPki(pki, doors)).toEqual([]);
  });

  it("does without the authority's key while it has nothing to sign", async () => {
    await unlink(join(folder, "pki/ca.key"));
    expect(await ensureClusterPki(pki, doors)).toEqual([]);
    await unlink(join(folder, "admin.conf"));
    await expect(ensureClusterPki(pki, doors)).rejects.toThrow(
      /ca.key is not here .*admin.conf is missing/,
    );
    await expect(readAuthority(join(folder, "pki"), "ca")).rejects.toThrow(/kept elsewhere/);
  });
});
