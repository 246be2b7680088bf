import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../base/system-clock.ts";
import { systemRandom } from "../base/system-random.ts";
import { chooseContext, readKubeconfigs } from "../client/kubeconfig.ts";
import { belongsTo } from "../pki/authority.ts";
import { ensureClusterPki } from "../pki/cluster-pki-apply.ts";
import { parsePrivateKey } from "../pki/keys.ts";
import { embeddedCertificate } from "../pki/kubeconfig.ts";
import { clusterPkiOf, specDefaults } from "./cluster-spec.ts";
import { readPkiFolder, renewLeaves } from "./renew.ts";

const doors = { clock: systemClock, random: systemRandom };

describe("renewing certificates", () => {
  let folder = "";
  const read = (path: string): Promise<string> => readFile(path, "utf8");
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "tskube-renew-"));
    const spec = {
      ...specDefaults,
      configFolder: folder,
      clusterName: "blue",
      nodeName: "n1",
      advertiseAddress: "10.0.0.1",
      controlPlaneEndpoint: "10.0.0.1:6443",
      certSANs: [],
      token: "",
    };
    await ensureClusterPki(clusterPkiOf(spec), doors);
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("leaves a kubeconfig its cluster, its context and its authority", async () => {
    const path = join(folder, "admin.conf");
    const before = await read(path);
    await renewLeaves(folder, await readPkiFolder(folder, read), "admin.conf", doors);
    const after = await read(path);
    const withoutSecrets = (text: string): string => text.replaceAll(/(client-.*-data:).*/g, "$1");
    expect(withoutSecrets(after)).toBe(withoutSecrets(before));
    expect(after).toContain("@blue");
    expect(embeddedCertificate(after)).not.toBe(embeddedCertificate(before));
    const { access } = chooseContext(await readKubeconfigs([path]), systemClock);
    const { certificate = "", key = "" } = (await access.clientCertificate?.()) ?? {};
    expect(belongsTo(certificate, parsePrivateKey(key).privateKey)).toBe(true);
  });

  it("gives a certificate another key, and leaves the others alone", async () => {
    const paths = ["apiserver", "etcd/server"].map((name) => join(folder, "pki", `${name}.crt`));
    const before = await Promise.all(paths.map(read));
    const found = await readPkiFolder(folder, read);
    expect(await renewLeaves(folder, found, "etcd-server", doors)).toEqual(["etcd/server"]);
    const after = await Promise.all(paths.map(read));
    expect(after.map((text, at) => text === before[at])).toEqual([true, false]);
    const { privateKey } = parsePrivateKey(await read(join(folder, "pki/etcd/server.key")));
    expect(belongsTo(after[1] ?? "", privateKey)).toBe(true);
  });
});
