/**
 * A cluster from configuration files, with images from an archive and a registry, whose kubelets'
 * certificates are so short-lived that they are renewed under our eyes.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { registryPort, startRegistry } from "./machine-registry.ts";
import { upstreamProgram } from "../hack/upstream.ts";
import { eventually } from "./test-bed.ts";
import { isReady, TsadmBed, whyNoMachines } from "./tsadm-bed.ts";

const reason = whyNoMachines("docker-registry", "openssl");
if (reason !== undefined) console.log(`skipped: configuration of tsadm: ${reason}`);

const kubeadm = upstreamProgram("kubeadm", false);
if (kubeadm === undefined) console.log("skipped: upstream's kubeadm on our files: it is not built");

const repository = "registry.example/tskube";
/** Machines see the folder of temporary files as it is. */
const files = mkdtempSync(join(tmpdir(), "tsadm-config-"));
const file = (name: string, text: string): string => {
  const path = join(files, name);
  writeFileSync(path, text);
  return path;
};
const archive = join(files, "images.tar");

const initConfig = `
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
nodeRegistration:
  taints: []
bootstrapTokens:
  - token: abcdef.0123456789abcdef
    description: from the file
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
imageRepository: ${repository}
networking:
  podSubnet: 10.77.0.0/16
  podSubnett: 10.78.0.0/16
controllerManager:
  extraArgs:
    - name: cluster-signing-duration
      value: 1m
---
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
maxPods: 42
cgroupDriver: systemd
kubeReserved:
  memory: 64Mi
---
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
metricsBindAddress: 127.0.0.1:11249
`;
const joinConfig = (hash: string): string => `
apiVersion: kubeadm.k8s.io/v1beta4
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: 10.31.0.11:6443
    token: abcdef.0123456789abcdef
    caCertHashes: ["${hash}"]
nodeRegistration:
  name: second
  taints:
    - key: example.org/slow
      effect: PreferNoSchedule
  kubeletExtraArgs:
    - name: node-labels
      value: example.org/disk=fast,node.kubernetes.io/room=two
`;

describe.skipIf(reason !== undefined)("a cluster from configuration files", () => {
  let bed: TsadmBed;

  beforeAll(async () => {
    bed = await TsadmBed.make("config", 2);
  });
  afterAll(async () => {
    await bed[Symbol.asyncDispose]();
    rmSync(files, { recursive: true, force: true });
  });

  it("is told what is wrong with a file, before anything is done", () => {
    const path = file("init.yaml", initConfig);
    const { code, err } = bed.tsadm(1, "config", "validate", "--config", path);
    expect(code).toBe(1);
    expect(err).toContain('strict decoding error: unknown field "networking.podSubnett"');
    expect(err).toContain("KubeletConfiguration: cgroupDriver has no effect on tskube");
    const kinds = "KubeletConfiguration,KubeProxyConfiguration";
    const printed = bed.tsadm(1, "config", "print", "init-defaults", "--component-configs", kinds);
    const defaults = file("defaults.yaml", printed.out);
    expect(bed.tsadm(1, "config", "validate", "--config", defaults).out).toBe("ok\n");
  });

  it("leaves nothing behind where images cannot be had", () => {
    const { code, err } = bed.tsadm(1, "init", "--images", "127.0.0.1:1/tskube");
    expect(err).toContain("cannot be had from 127.0.0.1:1");
    expect(code).toBe(1);
    expect(bed.on(1, ["ls", "-A", "/etc/tskube"]).code).not.toBe(0);
  });

  it("starts from an archive of images, under the names that the file gives them", async () => {
    const saved = bed.tsadm(
      1,
      "config",
      "images",
      "save",
      archive,
      "--config",
      file("i", initConfig),
    );
    expect(saved.code).toBe(0);
    // As on a machine that has never built one.
    bed.run(1, "rm", "-rf", "/var/lib/tskube/images");
    const words = ["init", "--config", join(files, "init.yaml"), "--images", archive];
    const { code, out, err } = bed.tsadm(1, ...words);
    const warnings = err.trim().split("\n");
    expect(warnings).toHaveLength(2);
    for (const warning of warnings)
      expect(warning).toMatch(/^W\d{4} \d\d:\d\d:\d\d\.\d{6} +\d+ config\] /);
    expect(code).toBe(0);
    expect(out).toContain(`[images] took ${repository}/tskube:v1.37.0`);
    const path = "jsonpath={.items[*].spec.containers[*].image}";
    const wanted = new Set([`${repository}/tskube:v1.37.0`, `${repository}/tskube-etcd:v1.37.0`]);
    // Static pods are shown by the API a moment after they run.
    await eventually(
      "every pod's image",
      () => new Set(bed.kubectl("get", "pods", "-A", "-o", path).split(" ")),
      (images) => images.symmetricDifference(wanted).size === 0,
      20_000,
    );
    const taints = bed.kubectl("get", "node", "machine-1", "-o", "jsonpath={.spec.taints}");
    expect(taints).not.toContain("control-plane");
    const tokens = bed.tsadm(1, "token", "list").out;
    expect(tokens).toMatch(/^abcdef.0123456789abcdef .* from the file /m);
  });

  it("joins by a file, with images from a registry that a mirror stands for", async () => {
    await startRegistry(bed, 1, archive, files);
    const mirror = `mirrors: {registry.example: ["http://10.31.0.11:${registryPort}"]}`;
    bed.run(2, "mkdir", "-p", "/etc/tskube");
    bed.run(2, "cp", file("registries.yaml", mirror), "/etc/tskube/registries.yaml");
    const printed = bed.tsadm(1, "token", "create", "--print-join-command").out;
    const [hash = ""] = /sha256:\S+/.exec(printed) ?? [];
    const { code, out, err } = bed.tsadm(
      2,
      "join",
      "--config",
      file("join.yaml", joinConfig(hash)),
    );
    expect(err).toBe("");
    expect(code).toBe(0);
    expect(out).toContain(`[images] pulled ${repository}/tskube:v1.37.0`);
    const nodes = bed.items("nodes");
    expect(nodes.map(({ metadata }) => metadata.name)).toEqual(["machine-1", "second"]);
    expect(nodes.every(isReady)).toBe(true);
  });

  it("gives every kubelet and every proxy what the file says", async () => {
    for (const node of ["machine-1", "second"]) {
      const capacity = bed.kubectl("get", "node", node, "-o", "jsonpath={.status.capacity.pods}");
      expect(capacity).toBe("42");
    }
    const taints = "jsonpath={.spec.taints[?(@.key=='example.org/slow')].effect}";
    expect(bed.kubectl("get", "node", "second", "-o", taints)).toBe("PreferNoSchedule");
    const labelled = bed.items("nodes", "-l", "example.org/disk=fast,node.kubernetes.io/room=two");
    expect(labelled.map(({ metadata }) => metadata.name)).toEqual(["second"]);
    await bed.readyPods(2, 60_000, "-n", "kube-system", "-l", "k8s-app=kube-proxy");
    for (const number of [1, 2]) {
      const mode = bed.run(number, "curl", "-s", "http://127.0.0.1:11249/proxyMode");
      expect(mode).toBe("nftables");
    }
  });

  const newest = (name: string): string =>
    bed.run(2, "readlink", `/var/lib/tskube/pki/${name}-current.pem`).trim();

  it("renews a kubelet's certificates while they are in use", async () => {
    const names = ["kubelet-client", "kubelet-server"] as const;
    const before = names.map(newest);
    for (const [at, name] of names.entries()) {
      const isAnother = (now: string): boolean => now !== before[at];
      await eventually(`another ${name}`, () => newest(name), isAnother, 120_000);
    }
    // The first ones have ended by then, and nobody noticed.
    const ended = ["openssl", "x509", "-noout", "-checkend", "0", "-in"];
    const isOver = (): string => {
      const { out, err } = bed.on(2, [...ended, `/var/lib/tskube/pki/${before[0]}`]);
      return out + err;
    };
    await eventually(
      "the end of the first",
      isOver,
      (text) => /will expire|No such/.test(text),
      90_000,
    );
    const [pod = ""] = bed
      .items("pods", "-n", "kube-system", "-l", "k8s-app=kube-proxy")
      .filter(({ spec }) => spec?.nodeName === "second")
      .map(({ metadata }) => metadata.name);
    expect(bed.kubectl("exec", "-n", "kube-system", pod, "--", "node", "-p", "'hello'")).toBe(
      "hello\n",
    );
    expect(bed.items("nodes").every(isReady)).toBe(true);
  });

  it("shows the API server's renewed certificate without a restart", async () => {
    const serial = (): string =>
      bed.run(
        1,
        "sh",
        "-c",
        "openssl s_client -connect 10.31.0.11:6443 </dev/null 2>/dev/null | openssl x509 -noout -serial",
      );
    const pod = () =>
      bed.kubectl(
        "get",
        "pod",
        "-n",
        "kube-system",
        "kube-apiserver-machine-1",
        "-o",
        "jsonpath={.status.containerStatuses[0].containerID}",
      );
    const [before, container] = [serial(), pod()];
    expect(bed.tsadm(1, "certs", "renew", "apiserver").out).toContain("renewed apiserver");
    await eventually("another certificate", serial, (now) => now !== before);
    expect(pod()).toBe(container);
  });

  it.skipIf(kubeadm === undefined)("is a cluster that upstream's kubeadm knows", () => {
    const upstream = (...words: readonly string[]): string =>
      bed.run(1, kubeadm ?? "", "--kubeconfig", "/etc/tskube/admin.conf", ...words);
    expect(upstream("token", "list")).toMatch(/^abcdef.0123456789abcdef .* from the file /m);
    const folder = ["--cert-dir", "/etc/tskube/pki"];
    const theirs = upstream("certs", "check-expiration", ...folder);
    for (const name of ["apiserver", "etcd-server", "front-proxy-client", "etcd-ca"]) {
      expect(theirs).toMatch(new RegExp(`^${name} .* no +$`, "m"));
    }
    for (const kind of ["init-defaults", "join-defaults"]) {
      const printed = bed.tsadm(1, "config", "print", kind).out;
      const words = ["config", "validate", "--config", file(`${kind}.yaml`, printed)];
      expect(upstream(...words)).toContain("ok");
    }
  });
});
