import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareSockets, listedSockets, listeningSockets } from "./listeners.ts";
import { eventually, root, TestBed, upstreamProgram, type Outcome } from "./test-bed.ts";

const lacks = process.getuid?.() === 0 ? undefined : "containers need root";
const kubectl = lacks === undefined ? upstreamProgram("kubectl") : undefined;
const reason = lacks ?? (kubectl === undefined ? "there is no upstream kubectl" : undefined);
if (reason !== undefined) console.log(`skipped: who may do what: ${reason}`);

const token = "abcdef.0123456789abcdef";
const bootstrappers = "system:bootstrappers:e2e";

const clusterInfo = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

const bind = (name: string, role: string, subject: object): object => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  subjects: [subject],
});

/** A cluster of one node with folders and network of its own; no pod runs in it. */
describe.skipIf(reason !== undefined)("who may do what, seen through kubectl", () => {
  const folder = mkdtempSync(join(tmpdir(), "tskube-security-"));
  const at = (...parts: string[]): string => join(folder, ...parts);
  const server = "https://172.31.255.1:6443";
  let bed: TestBed;
  let log: number;
  let up: ChildProcess;

  const ask = (args: readonly string[], input = ""): Outcome =>
    bed.try(kubectl ?? "", args, { input, env: { HOME: folder } });
  const as =
    (config: string) =>
    (...args: string[]): Outcome =>
      ask(["--kubeconfig", at("etc", config), ...args]);
  const admin = as("admin.conf");
  const kubelet = as("kubelet.conf");
  const anonymous = (...args: string[]): Outcome =>
    ask(["--kubeconfig", "/dev/null", "-s", server, "--insecure-skip-tls-verify", ...args]);
  const apply = (...objects: readonly object[]): Outcome =>
    ask(
      ["--kubeconfig", at("etc/admin.conf"), "apply", "-f", "-"],
      JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }),
    );
  const openssl = (...args: string[]): string => bed.run("openssl", args);

  /** The PKCS #10 request of a new key, which is left in NAME.key. */
  function newRequest(name: string, subject: string): string {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
    openssl(
      "req",
      "-new",
      ...key,
      "-keyout",
      at(`${name}.key`),
      "-subj",
      subject,
      "-out",
      at(`${name}.csr`),
    );
    return readFileSync(at(`${name}.csr`), "base64");
  }
  const signingRequest = (
    name: string,
    subject: string,
    signer: string,
    usages: readonly string[] = ["digital signature", "client auth"],
  ): object => ({
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name },
    spec: {
      request: newRequest(name, subject),
      signerName: `kubernetes.io/${signer}`,
      usages,
      expirationSeconds: 3_600,
    },
  });
  const condition = (name: string): string =>
    admin("get", "csr", name, "--no-headers").out.trim().split(/\s+/).at(-1) ?? "";
  const issued = async (name: string): Promise<string> => {
    await eventually(
      name,
      () => condition(name),
      (text) => text === "Approved,Issued",
    );
    const { out } = admin("get", "csr", name, "-o", "jsonpath={.status.certificate}");
    writeFileSync(at(`${name}.crt`), Buffer.from(out, "base64"));
    return at(`${name}.crt`);
  };
  const status = (url: string, ...more: string[]): string =>
    bed.run("curl", ["-sk", "-o", "/dev/null", "-w", "%{http_code}", ...more, url]);

  beforeAll(async () => {
    bed = new TestBed("tskube-e2e-sec");
    log = openSync(at("log"), "w");
    const folders = ["config-dir", "data-dir", "run-dir"].map(
      (flag) => `--${flag}=${at(flag === "config-dir" ? "etc" : flag.slice(0, -"-dir".length))}`,
    );
    const program = [join(root, "cmd/tskube/main.ts"), "up", "--node-name=n1", ...folders];
    up = bed.start(process.execPath, ["--disable-warning=ExperimentalWarning", ...program], log);
    await eventually(
      "the node is ready",
      () => bed.try(kubectl ?? "", ["--kubeconfig", at("etc/admin.conf"), "get", "nodes"]).out,
      (text) => / Ready /.test(text),
      60_000,
    );
  }, 90_000);

  afterAll(async () => {
    // It takes back that it wants to run; then nobody starts it again, or the supervisor.
    if (up.exitCode === null) {
      const ended = once(up, "exit");
      up.kill("SIGTERM");
      await ended;
    }
    const found = bed.try("pgrep", ["-f", `supervisor ${at("run/supervisor")}`]).out.split("\n");
    for (const pid of found.map(Number)) if (pid > 0) process.kill(pid, "SIGTERM");
    bed[Symbol.dispose]();
    closeSync(log);
    rmSync(folder, { recursive: true, force: true });
  });

  it("listens where docs/security.md says, and nowhere else", () => {
    const sockets = listeningSockets((program, ...args) => bed.run(program, args)).map((socket) =>
      socket.replace(at("run"), "/run/tskube"),
    );
    const rows = listedSockets("`tskube up`");
    expect(compareSockets(sockets, rows)).toEqual({ unlisted: [], missing: [] });
    // The comparison can fail, both ways.
    expect(compareSockets([...sockets, "tcp 0.0.0.0:22"], rows).unlisted).toEqual([
      "tcp 0.0.0.0:22",
    ]);
    expect(compareSockets(sockets.slice(1), rows).missing).toHaveLength(1);
  });

  it("tells strangers of its health, and of nothing else", () => {
    for (const path of ["/healthz", "/livez", "/readyz", "/version"])
      expect(status(`${server}${path}`), path).toBe("200");
    for (const path of [
      "/",
      "/api",
      "/apis",
      "/metrics",
      "/openapi/v2",
      "/api/v1/pods",
      clusterInfo,
    ])
      expect(status(`${server}${path}`), path).toBe("403");
    expect(bed.run("curl", ["-sk", `${server}/api/v1/secrets`])).toContain(
      'User \\"system:anonymous\\" cannot list resource',
    );
    for (const path of ["/", "/healthz", "/pods", "/metrics", "/logs/", "/exec/a/b/c", "/nothing"])
      expect(status(`https://172.31.255.1:10250${path}`), path).toBe("401");
  });

  it("trusts nobody who signed a name for himself, nor a server's certificate", () => {
    const files = ["-keyout", at("self.key"), "-out", at("self.crt")];
    const subject = ["-subj", "/O=system:masters/CN=admin", "-days", "1"];
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", ...subject, ...files);
    const own = ["--cert", at("self.crt"), "--key", at("self.key")];
    const serving = ["--cert", at("etc/pki/kubelet.crt"), "--key", at("etc/pki/kubelet.key")];
    for (const url of [`${server}/api`, "https://172.31.255.1:10250/pods"]) {
      expect(status(url, ...own), url).toBe("401");
      expect(status(url, ...serving), url).toBe("401");
    }
  });

  it("signs what a person approves, and who it names is let in", async () => {
    expect(apply(signingRequest("jane", "/O=devs/CN=jane", "kube-apiserver-client")).code).toBe(0);
    expect(condition("jane")).toBe("Pending");
    expect(admin("certificate", "approve", "jane").out).toContain("jane approved");
    const certificate = await issued("jane");
    expect(openssl("verify", "-CAfile", at("etc/pki/ca.crt"), certificate)).toContain("OK");
    const credentials = [`--client-certificate=${certificate}`, `--client-key=${at("jane.key")}`];
    const who = anonymous(...credentials, "auth", "whoami", "-o", "jsonpath={.status.userInfo}");
    expect(JSON.parse(who.out)).toMatchObject({
      username: "jane",
      groups: ["devs", "system:authenticated"],
    });
    expect(admin("certificate", "deny", "jane").code).toBe(1);
    expect(anonymous(...credentials, "get", "csr").err).toContain('User "jane" cannot list');
  });

  it("signs nothing that was denied, that is wrong, or that would make a master", async () => {
    apply(
      signingRequest("eve", "/CN=eve", "kube-apiserver-client"),
      signingRequest("odd", "/CN=odd", "kube-apiserver-client-kubelet"),
    );
    admin("certificate", "deny", "eve");
    admin("certificate", "approve", "odd");
    await eventually(
      "odd",
      () => condition("odd"),
      (text) => text === "Approved,Failed",
    );
    expect(condition("eve")).toBe("Denied");
    expect(
      admin("get", "csr", "odd", "-o", "jsonpath={.status.conditions[*].message}").out,
    ).toContain("subject organization is not system:nodes");
    const master = signingRequest("root", "/O=system:masters/CN=root", "kube-apiserver-client");
    expect(apply(master).err).toContain("system:masters group is not allowed");
  });

  it("lets a machine with a token in, and signs the way there", async () => {
    const [id = "", secret = ""] = token.split(".");
    const made = apply(
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: `bootstrap-token-${id}`, namespace: "kube-system" },
        type: "bootstrap.kubernetes.io/token",
        stringData: {
          "token-id": id,
          "token-secret": secret,
          "usage-bootstrap-authentication": "true",
          "usage-bootstrap-signing": "true",
          "auth-extra-groups": bootstrappers,
        },
      },
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: "cluster-info", namespace: "kube-public" },
        data: { kubeconfig: "k" },
      },
      bind("e2e-bootstrap", "system:node-bootstrapper", { kind: "Group", name: bootstrappers }),
      bind("e2e-approve", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", {
        kind: "Group",
        name: bootstrappers,
      }),
    );
    expect(made.code, made.err).toBe(0);
    await eventually(
      "cluster-info is signed",
      () => admin("get", "cm", "-n", "kube-public", "cluster-info", "-o", "jsonpath={.data}").out,
      (data) => data.includes(`jws-kubeconfig-${id}`),
    );
    expect(status(`${server}${clusterInfo}`)).toBe("403");
    const role = ["role", "info", "--verb=get", "--resource=configmaps"];
    admin("create", "-n", "kube-public", ...role, "--resource-name=cluster-info");
    const binding = ["rolebinding", "info", "--role=info", "--user=system:anonymous"];
    admin("create", "-n", "kube-public", ...binding);
    expect(status(`${server}${clusterInfo}`)).toBe("200");
    const request = signingRequest(
      "n2",
      "/O=system:nodes/CN=system:node:n2",
      "kube-apiserver-client-kubelet",
    );
    const machine = ["-s", server, "--insecure-skip-tls-verify", "--kubeconfig", "/dev/null"];
    const sent = ask([...machine, "--token", token, "create", "-f", "-"], JSON.stringify(request));
    expect(sent.out, sent.err).toContain("n2 created");
    const certificate = await issued("n2");
    const n2 = (...args: string[]): Outcome =>
      ask([
        ...machine,
        `--client-certificate=${certificate}`,
        `--client-key=${at("n2.key")}`,
        ...args,
      ]);
    expect(n2("get", "node", "n1").err).toContain("only its own Node object");
    expect(n2("label", "node", "n1", "a=b").code).toBe(1);
    expect(ask([...machine, "--token", token, "get", "secrets", "-A"]).err).toContain(
      "cannot list",
    );
    const wrong = ask([...machine, "--token", `${id}.fedcba9876543210`, "get", "csr"]);
    expect(wrong.err).toMatch(/Unauthorized|must be logged in/);
  });

  it("keeps a kubelet to its own node", () => {
    admin("create", "secret", "generic", "not-used", "--from-literal=a=b");
    const refused = (why: string, ...args: string[]): void => {
      const { code, err } = kubelet(...args);
      expect([code, err.includes(why) || err], args.join(" ")).toEqual([1, true]);
    };
    expect(kubelet("get", "node", "n1").code).toBe(0);
    refused("no relationship found between node 'n1' and this object", "get", "secret", "not-used");
    refused("No Object name found", "get", "secrets");
    refused("only its own Node object", "get", "nodes");
    refused("not allowed to modify taints", "taint", "node", "n1", "a=b:NoSchedule");
    refused(
      "not allowed to modify labels",
      "label",
      "node",
      "n1",
      "node-role.kubernetes.io/master=",
    );
    refused("cannot delete", "delete", "node", "n1");
    refused("no relationship found", "create", "token", "default");
    refused("can only create mirror pods", "run", "x", "--image=x");
    refused("cannot list", "get", "deployments");
  });
});
