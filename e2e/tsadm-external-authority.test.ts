/** A cluster whose authority's key is nowhere in it: openssl signs what tsadm asks for. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "./test-bed.ts";
import { isReady, TsadmBed, whyNoMachines } from "./tsadm-bed.ts";

const reason = whyNoMachines("openssl");
if (reason !== undefined) console.log(`skipped: an authority kept elsewhere: ${reason}`);

/** Machines see the folder of temporary files as it is; the authority's key stays on the host. */
const files = mkdtempSync(join(tmpdir(), "tsadm-authority-"));
const openssl = (...words: readonly string[]): string =>
  execFileSync("openssl", words, { cwd: files, encoding: "utf8", stdio: "pipe" });
const pki = "/etc/tskube/pki";

describe.skipIf(reason !== undefined)("an authority that is kept elsewhere", () => {
  let bed: TsadmBed;

  beforeAll(async () => {
    bed = await TsadmBed.make("authority", 1);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    const subject = ["-subj", "/CN=somebody-else", "-days", "100"];
    openssl("req", "-x509", ...key, ...subject, "-keyout", "ca.key", "-out", "ca.crt");
    bed.run(1, "mkdir", "-p", pki);
    bed.run(1, "cp", join(files, "ca.crt"), pki);
  });
  afterAll(async () => {
    await bed[Symbol.asyncDispose]();
    rmSync(files, { recursive: true, force: true });
  });

  const sign = (request: string, usage: string): string => {
    writeFileSync(join(files, "request.csr"), bed.run(1, "cat", request));
    writeFileSync(join(files, "usage"), `keyUsage=digitalSignature\nextendedKeyUsage=${usage}\n`);
    const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-days", "50", "-copy_extensions", "copy"];
    openssl("x509", "-req", "-in", "request.csr", ...by, "-extfile", "usage", "-out", "made.crt");
    return readFileSync(join(files, "made.crt"), "utf8");
  };
  const write = (path: string, text: string): void => {
    writeFileSync(join(files, "file"), text);
    bed.run(1, "cp", join(files, "file"), path);
  };

  it("is asked for what is missing", () => {
    const { code, err } = bed.tsadm(1, "init", "phase", "certs");
    expect(code).toBe(1);
    expect(err).toContain("ca.key is not here to sign what is needed (apiserver.crt is missing");
    expect(err).toContain("tsadm certs generate-csr");
    expect(bed.run(1, "ls", pki)).toBe("ca.crt\n");
  });

  it("signs requests, and the cluster starts without its key", async () => {
    const asked = bed.tsadm(1, "certs", "generate-csr").out;
    expect(asked).toContain(`wrote ${pki}/apiserver.csr`);
    expect(asked).toContain("wrote /etc/tskube/admin.conf.csr");
    for (const [name, usage] of [
      ["apiserver", "serverAuth"],
      ["kubelet", "serverAuth"],
      ["apiserver-kubelet-client", "clientAuth"],
    ] as const) {
      write(`${pki}/${name}.crt`, sign(`${pki}/${name}.csr`, usage));
    }
    const base64 = (text: string): string => Buffer.from(text).toString("base64");
    const authority = base64(readFileSync(join(files, "ca.crt"), "utf8"));
    const users = ["admin", "super-admin", "controller-manager", "scheduler", "kubelet"];
    for (const user of users) {
      const path = `/etc/tskube/${user}.conf`;
      const certificate = base64(sign(`${path}.csr`, "clientAuth"));
      const text = bed
        .run(1, "cat", path)
        .replace(/( *)server: /, `$1certificate-authority-data: ${authority}\n$&`)
        .replace(/( *)client-key-data: /, `$1client-certificate-data: ${certificate}\n$&`);
      write(path, text);
    }
    bed.init();
    const nodes = () => bed.items("nodes");
    await eventually("the node", nodes, (all) => all.length === 1 && all.every(isReady), 60_000);
    expect(bed.run(1, "ls", pki)).not.toMatch(/^ca\.key$/m);
    expect(bed.run(1, "cat", "/etc/tskube/manifests/kube-controller-manager.yaml")).not.toContain(
      "--cluster-signing",
    );
  });

  it("is told apart from those whose keys are here, and renews nothing", () => {
    const { out } = bed.tsadm(1, "certs", "check-expiration");
    expect(out).toMatch(/^apiserver .* ca +yes$/m);
    expect(out).toMatch(/^etcd-server .* etcd-ca +no$/m);
    const { code, err } = bed.tsadm(1, "certs", "renew", "apiserver");
    expect(code).toBe(1);
    expect(err).toContain("the authority is kept elsewhere");
  });
});
