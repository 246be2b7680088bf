import { execFileSync } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../pkg/base/system-clock.ts";
import { systemRandom } from "../pkg/base/system-random.ts";
import { podCgroupRoot } from "../cmd/wiring/node.ts";
import { ensureClusterPki } from "../pkg/pki/cluster-pki-apply.ts";
import { eventually, root, TestBed, upstreamProgram, whyNot } from "./test-bed.ts";

const etcd = ["/usr/bin/etcd"].find((path) => existsSync(path));
const reason =
  whyNot() ?? (etcd === undefined ? "there is no etcd (apt-get install etcd-server)" : undefined);
if (reason !== undefined) console.log(`skipped: the separate programs: ${reason}`);
const kubectl = reason === undefined ? upstreamProgram("kubectl") : undefined;

const nodeAddress = "172.31.255.1";

/** Every program on its own, over real etcd, TLS and client certificates between all of them. */
describe.skipIf(reason !== undefined)("a cluster of separate programs", () => {
  const folder = mkdtempSync(join(tmpdir(), "tskube-separate-"));
  const at = (...parts: string[]): string => join(folder, ...parts);
  const pki = (name: string): string => at("etc/pki", name);
  let bed: TestBed;
  let log: number;

  const program = (name: string, flags: Readonly<Record<string, string>>): void => {
    const words = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    bed.start(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", at("dist", `${name}.mjs`), ...words],
      log,
    );
  };
  const client = (args: readonly string[], input = ""): string =>
    bed.run(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", at("dist/tskubectl.mjs"), ...args],
      {
        input,
        timeoutMs: 60_000,
        env: { KUBECONFIG: at("etc/admin.conf") },
      },
    );
  const answers = (args: readonly string[]): boolean =>
    bed.try(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", at("dist/tskubectl.mjs"), ...args],
      {
        env: { KUBECONFIG: at("etc/admin.conf") },
      },
    ).code === 0;

  const startEtcd = (): void => {
    const url = `https://${nodeAddress}:2379`;
    const words = {
      "data-dir": at("etcd"),
      "listen-client-urls": url,
      "advertise-client-urls": url,
      "listen-peer-urls": `https://${nodeAddress}:2380`,
      "initial-advertise-peer-urls": `https://${nodeAddress}:2380`,
      "initial-cluster": `default=https://${nodeAddress}:2380`,
      "cert-file": pki("etcd/server.crt"),
      "key-file": pki("etcd/server.key"),
      "client-cert-auth": "true",
      "trusted-ca-file": pki("etcd/ca.crt"),
      "peer-cert-file": pki("etcd/peer.crt"),
      "peer-key-file": pki("etcd/peer.key"),
      "peer-client-cert-auth": "true",
      "peer-trusted-ca-file": pki("etcd/ca.crt"),
    };
    bed.start(
      etcd ?? "",
      Object.entries(words).map(([flag, value]) => `--${flag}=${value}`),
      log,
    );
  };

  const startApiServer = (): void =>
    program("tskube-apiserver", {
      "etcd-servers": `https://${nodeAddress}:2379`,
      "etcd-cafile": pki("etcd/ca.crt"),
      "etcd-certfile": pki("apiserver-etcd-client.crt"),
      "etcd-keyfile": pki("apiserver-etcd-client.key"),
      "advertise-address": nodeAddress,
      "tls-cert-file": pki("apiserver.crt"),
      "tls-private-key-file": pki("apiserver.key"),
      "client-ca-file": pki("ca.crt"),
      "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
      "service-account-key-file": pki("sa.pub"),
      "service-account-signing-key-file": pki("sa.key"),
      "kubelet-client-certificate": pki("apiserver-kubelet-client.crt"),
      "kubelet-client-key": pki("apiserver-kubelet-client.key"),
    });

  const startOthers = (): void => {
    program("tskube-controller-manager", {
      kubeconfig: at("etc/controller-manager.conf"),
      "root-ca-file": pki("ca.crt"),
    });
    program("tskube-scheduler", { kubeconfig: at("etc/scheduler.conf") });
    program("tskube-cri", {
      socket: at("run/cri.sock"),
      root: at("lib"),
      state: at("run"),
      bridge: "tskube-sep0",
    });
    program("tskube-proxy", { kubeconfig: at("etc/proxy.conf"), "hostname-override": "node-1" });
    program("tskubelet", {
      kubeconfig: at("etc/kubelet.conf"),
      "node-name": "node-1",
      "node-ip": nodeAddress,
      cri: at("run/cri.sock"),
      root: at("lib"),
      "cgroup-root": podCgroupRoot(at("run")),
      manifests: at("etc/manifests"),
      "pod-logs": at("pod-logs"),
      "tls-cert-file": pki("kubelet.crt"),
      "tls-private-key-file": pki("kubelet.key"),
      "client-ca-file": pki("ca.crt"),
    });
  };

  beforeAll(async () => {
    execFileSync(process.execPath, [join(root, "hack/build.ts"), "--out", at("dist")], {
      stdio: "inherit",
    });
    execFileSync(
      process.execPath,
      [join(root, "hack/ensure-image.ts"), "--data-dir", at("lib"), "nginx"],
      { stdio: "inherit" },
    );
    await ensureClusterPki(
      {
        folder: at("etc/pki"),
        kubeconfigFolder: at("etc"),
        clusterName: "tskube",
        serverUrl: `https://${nodeAddress}:6443`,
        serverNames: [],
        serviceAddress: "10.96.0.1",
        dnsDomain: "cluster.local",
        node: { name: "node-1", addresses: [nodeAddress] },
        adminGroup: "system:masters",
        hasEtcd: true,
      },
      { clock: systemClock, random: systemRandom },
    );
    bed = new TestBed("tskube-e2e-separate");
    log = openSync(at("log"), "a");
    startEtcd();
    startApiServer();
    startOthers();
    try {
      await eventually(
        "the node is Ready",
        () =>
          bed.try(
            process.execPath,
            ["--disable-warning=ExperimentalWarning", at("dist/tskubectl.mjs"), "get", "nodes"],
            { env: { KUBECONFIG: at("etc/admin.conf") } },
          ).out,
        (out) => / Ready /.test(out),
        40_000,
      );
    } catch (error) {
      throw new Error(`${readFileSync(at("log"), "utf8").slice(-4_000)}`, { cause: error });
    }
  });
  afterAll(() => {
    // First who would start the supervisor again, then what they leave.
    bed.try("pkill", ["-9", "-f", at("dist", "tskube")]);
    const command = ["--disable-warning=ExperimentalWarning", at("dist/tskube.mjs"), "down"];
    const folders = [
      "--config-dir",
      at("etc"),
      "--data-dir",
      at("lib"),
      "--run-dir",
      at("run"),
      "--pod-logs",
      at("pod-logs"),
    ];
    bed.try(process.execPath, [...command, ...folders, "--bridge", "tskube-sep0"], {
      timeoutMs: 60_000,
    });
    bed[Symbol.dispose]();
    closeSync(log);
    rmSync(folder, { recursive: true, force: true });
  });

  it("runs the nginx journey", () => {
    client(["apply", "-f", join(root, "manifests/nginx.yaml")]);
    expect(client(["rollout", "status", "deployment/nginx"])).toContain("successfully rolled out");
    const address = client(["get", "service", "nginx", "-o", "jsonpath={.spec.clusterIP}"]);
    expect(
      client(["exec", "deployment/nginx", "--", "wget", "-q", "-O", "-", `http://${address}/`]),
    ).toContain("Welcome to nginx!");
    expect(client(["logs", "deployment/nginx"])).toContain("GET /");
  });

  it("keeps its objects where upstream keeps them", () => {
    const keys = bed.run("etcdctl", ["get", "--prefix", "--keys-only", "/registry/"], {
      env: {
        ETCDCTL_API: "3",
        ETCDCTL_ENDPOINTS: `https://${nodeAddress}:2379`,
        ETCDCTL_CACERT: pki("etcd/ca.crt"),
        ETCDCTL_CERT: pki("apiserver-etcd-client.crt"),
        ETCDCTL_KEY: pki("apiserver-etcd-client.key"),
      },
    });
    for (const key of [
      "/registry/pods/default/nginx-",
      "/registry/services/specs/default/nginx",
      "/registry/deployments/default/nginx",
      "/registry/minions/node-1",
    ]) {
      expect(keys).toContain(key);
    }
  });

  it("refuses who has no certificate", () => {
    const { out } = bed.try("sh", [
      "-c",
      `curl -sk https://${nodeAddress}:6443/api/v1/secrets; curl -sk -o /dev/null -w ' %{http_code}' https://${nodeAddress}:10250/pods`,
    ]);
    expect(out).toContain("system:anonymous");
    expect(out).toMatch(/ 401$/);
    expect(bed.try("sh", ["-c", `curl -sk https://${nodeAddress}:2379/health`]).code).not.toBe(0);
  });

  it("goes on after every program was killed and started again", async () => {
    const containers = (): string =>
      client([
        "get",
        "pods",
        "-l",
        "app=nginx",
        "-o",
        "jsonpath={.items[*].status.containerStatuses[*].containerID}",
      ]);
    const before = containers();
    for (const name of [
      "tskube-apiserver",
      "tskube-controller-manager",
      "tskube-scheduler",
      "tskube-cri",
      "tskube-proxy",
      "tskubelet",
    ]) {
      bed.run("pkill", ["-9", "-f", at("dist", `${name}.mjs`)]);
    }
    startApiServer();
    startOthers();
    await eventually(
      "the API answers",
      () => answers(["get", "nodes"]),
      (yes) => yes,
    );
    expect(containers()).toBe(before);
    client(["scale", "deployment", "nginx", "--replicas=3"]);
    expect(client(["rollout", "status", "deployment/nginx"])).toContain("successfully rolled out");
  });

  it.skipIf(kubectl === undefined)("serves upstream kubectl", () => {
    const out = bed.run(kubectl ?? "", ["get", "pods", "-o", "wide"], {
      env: { KUBECONFIG: at("etc/admin.conf") },
    });
    expect(out.match(/Running/g)).toHaveLength(3);
  });
});
