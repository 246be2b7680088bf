import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compareSockets, listedSockets, listeningSockets } from "./listeners.ts";
import { outsideWords } from "./machines.ts";
import { eventually, type Outcome } from "./test-bed.ts";
import { TsadmBed, webPodSpec, whyNoMachines } from "./tsadm-bed.ts";

const reason = whyNoMachines();
if (reason !== undefined) console.log(`skipped: who is let in on tsadm's machines: ${reason}`);

const pki = "/etc/tskube/pki";
const nodeConfig = "/etc/tskube/kubelet.conf";
const clusterInfo = "/api/v1/namespaces/kube-public/configmaps/cluster-info";

const secret = (name: string): object => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name },
  stringData: { word: "open-sesame" },
});

/** Mounts the Secret where one is named. */
const pod = (name: string, nodeName: string, secretName?: string): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    nodeName,
    ...webPodSpec,
    ...(secretName === undefined ? {} : { volumes: [{ name: "own", secret: { secretName } }] }),
  },
});

/** In a pod: the statuses that the API answers to its ServiceAccount's token, as JSON. */
async function askAsPod(paths: readonly string[]): Promise<void> {
  // No imports: this text leaves the module.
  const [fs, tls] = ["node:fs", "node:tls"].map((name) => process.getBuiltinModule(name)) as [
    typeof import("node:fs"),
    typeof import("node:tls"),
  ];
  const own = (name: string): string =>
    fs.readFileSync(`/var/run/secrets/kubernetes.io/serviceaccount/${name}`, "utf8");
  tls.setDefaultCACertificates([own("ca.crt")]);
  const headers = { authorization: `Bearer ${own("token")}` };
  const server = `https://${process.env["KUBERNETES_SERVICE_HOST"]}`;
  const answers = paths.map(async (path) => (await fetch(`${server}${path}`, { headers })).status);
  process.stdout.write(JSON.stringify(await Promise.all(answers)));
}

/** One control plane and one node that joined; the router between them is a stranger. */
describe.skipIf(reason !== undefined)("who is let in on machines of tsadm", () => {
  let bed: TsadmBed;
  const address = (number: number): string => bed.machine(number).address;

  beforeAll(async () => {
    // On links of their own, so that also the tunnel between nodes is there.
    bed = await TsadmBed.make("security", 2, { links: "routed" });
    bed.init();
    bed.join(2);
    bed.apply(secret("used"), secret("unused"), pod("user", "machine-2", "used"));
    await bed.readyPods(1, 60_000);
  });
  afterAll(() => bed[Symbol.asyncDispose]());

  /** From a place on the link that is none of the machines. */
  const curlOutside = (...words: readonly string[]): Outcome => {
    const [program = "", ...rest] = outsideWords(bed.set, ["curl", "-sSk", "-m", "5", ...words]);
    const { status, stdout, stderr } = spawnSync(program, rest, { encoding: "utf8" });
    return { code: status ?? -1, out: stdout, err: stderr };
  };
  const statusOf = (url: string): string =>
    curlOutside("-o", "/dev/null", "-w", "%{http_code}", url).out;
  const asNode = (...words: readonly string[]): Outcome => bed.tryKubectl(2, nodeConfig, ...words);

  it.each([
    [1, "`tsadm init`"],
    [2, "`tsadm join`"],
  ] as const)(
    "listens on machine %i where docs/security.md says, and nowhere else",
    async (on, title) => {
      const rows = listedSockets(title);
      const sockets = (): readonly string[] =>
        listeningSockets((...words) => bed.run(on, ...words)).map((socket) =>
          socket.replace(`${address(on)}:`, "<node>:"),
        );
      const nothing = { unlisted: [], missing: [] };
      const isQuiet = (found: object): boolean => JSON.stringify(found) === JSON.stringify(nothing);
      // Kubelets start to listen when they have their certificates.
      const differ = () => compareSockets(sockets(), rows);
      expect(await eventually("the sockets of the table", differ, isQuiet).catch(differ)).toEqual(
        nothing,
      );
      expect(compareSockets([...sockets(), "tcp 0.0.0.0:22"], rows).unlisted).toHaveLength(1);
    },
  );

  it("shows nobody a key: only root reads what proves who one is", () => {
    for (const on of [1, 2]) {
      const secrets = ["-name", "*.key", "-o", "-name", "*.conf", "-o", "-name", "token"];
      const open = ["find", "/etc/tskube", "/var/lib/tskube/pki", "-type", "f", "-perm", "/077"];
      expect(bed.on(on, [...open, "(", ...secrets, ")"]).out).toBe("");
      expect(bed.run(on, "stat", "-c", "%a", nodeConfig).trim()).toBe("600");
    }
  });

  it("lets nobody at etcd who has no certificate of etcd's own authority", () => {
    const urls = [2379, 2380].map((port) => `https://${address(1)}:${port}/health`);
    // With TLS 1.3 a client learns of the refusal while it asks. Not among these: nobody there.
    const refusals = { handshake: 35, sending: 55, receiving: 56 };
    const ask = (url: string, name: string): Outcome => {
      const files = ["--cert", `${pki}/${name}.crt`, "--key", `${pki}/${name}.key`];
      return bed.on(1, ["curl", "-sSk", "--http1.1", "-m", "5", ...files, url]);
    };
    for (const url of urls) {
      const strangers = curlOutside("--http1.1", url);
      const clusters = ask(url, "apiserver-kubelet-client");
      for (const { code, out, err } of [strangers, clusters]) {
        expect(Object.values(refusals), `${url}: ${err}`).toContain(code);
        expect(out, url).toBe("");
      }
    }
    // The same question with the right certificate is answered.
    expect(ask(urls[0] ?? "", "etcd/healthcheck-client").out).toContain('"health"');
  });

  it("lets nobody at a kubelet who does not say who he is", () => {
    for (const number of [1, 2]) {
      for (const path of ["/", "/healthz", "/pods", "/metrics", "/logs/", "/exec/a/b/c"]) {
        expect(statusOf(`https://${address(number)}:10250${path}`), path).toBe("401");
      }
    }
  });

  it("tells this machine of its parts' health, and who may know of what they do", () => {
    const ask = (url: string, ...more: readonly string[]): string =>
      bed.run(1, "curl", "-sSk", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", ...more, url);
    for (const port of [10_257, 10_259]) {
      const part = `https://127.0.0.1:${port}`;
      for (const path of ["/healthz", "/livez", "/readyz"]) expect(ask(part + path)).toBe("200");
      for (const path of ["/", "/metrics", "/configz"]) expect(ask(part + path)).toBe("401");
    }
    for (const [path, answer] of [
      ["healthz", "200"],
      ["metrics", "404"],
    ] as const) {
      expect(ask(`http://127.0.0.1:10256/${path}`), path).toBe(answer);
    }
    const token = bed.kubectl("-n", "kube-system", "create", "token", "default").trim();
    const bearer = ["-H", `Authorization: Bearer ${token}`];
    expect(ask("https://127.0.0.1:10257/metrics", ...bearer)).toBe("403");
  });

  it("tells strangers of its health and how to join, and of nothing else", () => {
    const server = `https://${address(1)}:6443`;
    for (const path of ["/healthz", "/livez", "/readyz", "/version", clusterInfo]) {
      expect(statusOf(`${server}${path}`), path).toBe("200");
    }
    for (const path of [
      "/",
      "/api",
      "/metrics",
      "/api/v1/nodes",
      "/api/v1/namespaces/kube-public/configmaps",
      "/api/v1/namespaces/kube-system/secrets",
      "/api/v1/namespaces/kube-system/configmaps/kubeadm-config",
      "/apis/certificates.k8s.io/v1/certificatesigningrequests",
    ]) {
      expect(statusOf(`${server}${path}`), path).toBe("403");
    }
  });

  it("keeps a node's credential to its own", () => {
    // Its pod uses the one, and nobody of that node the other.
    expect(asNode("get", "secret", "used").code).toBe(0);
    expect(asNode("get", "secret", "unused").err).toContain("forbidden");
    expect(asNode("get", "secrets").err).toContain("forbidden");
    expect(asNode("get", "node", "machine-2").code).toBe(0);
    for (const words of [
      ["label", "node", "machine-1", "a=b"],
      ["delete", "node", "machine-1"],
      ["label", "node", "machine-2", "node-role.kubernetes.io/control-plane="],
      ["delete", "lease", "-n", "kube-node-lease", "machine-1"],
      ["delete", "pod", "-n", "kube-system", "etcd-machine-1"],
    ]) {
      const { code, err } = asNode(...words);
      expect(err, words.join(" ")).toContain("forbidden");
      expect(code, words.join(" ")).toBe(1);
    }
  });

  it("gives a pod's token no right that nobody gave it", () => {
    const refused = [
      "/api/v1/namespaces/default/pods",
      "/api/v1/namespaces/default/secrets/used",
      "/api/v1/nodes",
      "/api/v1/namespaces/kube-system/configmaps/kubeadm-config",
    ];
    const program = `(${askAsPod.toString()})(${JSON.stringify(["/api", ...refused])})`;
    const statuses = bed.kubectl("exec", "user", "--", "node", "-e", program);
    // The API knows the caller: who is known may look at what kinds there are.
    expect(JSON.parse(statuses)).toEqual([200, ...refused.map(() => 403)]);
  });
});
