import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parseSigningRequest } from "./certificate-signing-request.ts";
import { writeClusterRequests } from "./cluster-requests.ts";

it("a key and a request for everything that an authority elsewhere has to sign", async () => {
  const folder = await mkdtemp(join(tmpdir(), "cluster-requests-"));
  try {
    const pki = {
      folder: join(folder, "pki"),
      kubeconfigFolder: folder,
      clusterName: "kubernetes",
      serverUrl: "https://10.0.0.1:6443",
      serverNames: ["api.example.org"],
      serviceAddress: "10.96.0.1",
      dnsDomain: "cluster.local",
      node: { name: "n1", addresses: ["10.0.0.1"] },
      adminGroup: "system:masters",
      hasEtcd: false,
    };
    const written = await writeClusterRequests(pki);
    expect((await readdir(folder)).filter((file) => file.startsWith("admin"))).toEqual([
      "admin.conf",
      "admin.conf.csr",
    ]);
    const read = async (file: string) =>
      parseSigningRequest(await readFile(join(folder, file), "utf8"));
    expect((await read("admin.conf.csr")).subject).toEqual({
      commonName: "kubernetes-admin",
      organizations: ["system:masters"],
    });
    expect((await read("pki/apiserver.csr")).names).toContain("api.example.org");
    expect(await readFile(join(folder, "admin.conf"), "utf8")).toContain("client-key-data");
    // The keys are in use from then on, somewhere: a second run leaves them.
    expect(written.length).toBeGreaterThan(10);
    expect(await writeClusterRequests(pki)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
