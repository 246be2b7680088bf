import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Outcome } from "./test-bed.ts";
import { isReady, TsadmBed, tryOr, webPod, webPodSpec, whyNoMachines } from "./tsadm-bed.ts";

const reason = whyNoMachines();
if (reason !== undefined) console.log(`skipped: tsadm on machines: ${reason}`);

/** Runs in a pod: what its resolver and its name server say, one text a question, as JSON. */
async function answerQuestions(questions: readonly string[]): Promise<void> {
  // Not an import: this text leaves the module.
  const { promises: dns } = process.getBuiltinModule("node:dns");
  const ways: Readonly<Record<string, (name: string) => Promise<readonly string[]>>> = {
    // As programs do it: by the C library, with /etc/resolv.conf's search list.
    lookup: async (name) =>
      (await dns.lookup(name, { all: true, family: 4 })).map(({ address }) => address),
    srv: async (name) => (await dns.resolveSrv(name)).map(({ name: to, port }) => `${to}:${port}`),
    // Not dns.reverse, which believes the pod's own /etc/hosts first.
    ptr: (address) => dns.resolvePtr(`${address.split(".").reverse().join(".")}.in-addr.arpa`),
    cname: (name) => dns.resolveCname(name),
    v6: (name) => dns.resolve6(name),
  };
  const answers = questions.map(async (question) => {
    const [way = "", name = ""] = question.split(" ");
    try {
      return [...((await ways[way]?.(name)) ?? [])].sort().join();
    } catch (error) {
      return (error as { readonly code?: string }).code;
    }
  });
  process.stdout.write(JSON.stringify(await Promise.all(answers)));
}

describe.skipIf(reason !== undefined)("two machines, one cluster, by tsadm", () => {
  let bed: TsadmBed;

  beforeAll(async () => {
    bed = await TsadmBed.make("tsadm", 2);
  });
  afterAll(() => bed[Symbol.asyncDispose]());

  it("tells everything that is wrong at once, and writes nothing", () => {
    const flags = ["--node-name", "Bad_Name", "--apiserver-advertise-address", "10.99.0.1"];
    const { code, err } = bed.tsadm(1, "init", ...flags);
    expect(code).toBe(1);
    expect(err).toContain("[ERROR Hostname]");
    expect(err).toContain("[ERROR Address]");
    expect(bed.on(1, ["ls", "-A", "/etc/tskube"]).code).not.toBe(0);
  });

  it("says what it would do, and does nothing", () => {
    const { code, out } = bed.tsadm(1, "init", "--dry-run");
    expect(code).toBe(0);
    expect(out).toContain("[etcd] would write /etc/tskube/manifests/etcd.yaml");
    expect(bed.on(1, ["ls", "-A", "/etc/tskube"]).code).not.toBe(0);
  });

  it("starts a control plane of static pods", async () => {
    bed.init();
    const pods = await eventually(
      "the control plane to be ready",
      () => bed.items("pods", "-n", "kube-system"),
      (all) => all.length >= 6 && all.every(isReady),
      60_000,
    );
    const names = pods.map(({ metadata }) => metadata.name);
    for (const part of ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]) {
      expect(names).toContain(`${part}-machine-1`);
    }
    expect(bed.on(1, ["stat", "-c", "%a", "/etc/tskube/pki/ca.key"]).out.trim()).toBe("600");
  });

  it("lets a machine join", () => {
    bed.join(2);
    const nodes = bed.items("nodes");
    expect(nodes.map(({ metadata }) => metadata.name)).toEqual(["machine-1", "machine-2"]);
    expect(nodes.every(isReady)).toBe(true);
  });

  it("connects pods, Services and names of both machines", async () => {
    bed.apply(webPod("web-1", "machine-1"), webPod("web-2", "machine-2"));
    const ports = [{ port: 80, targetPort: 8080, nodePort: 30_080 }];
    const spec = { type: "NodePort", selector: { app: "web" }, ports };
    bed.apply({ apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec });
    const ready = () => bed.items("pods", "-l", "app=web").filter(isReady);
    await eventually("both pods", ready, ({ length }) => length === 2, 60_000);
    const ask = `fetch("http://web").then(r=>r.text()).then(t=>console.log(t))`;
    for (const from of ["web-1", "web-2"]) {
      const seen = new Set<string>();
      const see = (): ReadonlySet<string> =>
        seen.add(bed.kubectl("exec", from, "--", "node", "-e", ask).trim());
      await eventually(`${from} to reach both`, see, ({ size }) => size === 2, 60_000);
    }
    for (const { address } of bed.set.machines) {
      const answer = () => bed.ask(`http://${address}:30080`);
      await eventually(`the node port of ${address}`, answer, (text) => /^web-[12]$/.test(text));
    }
  });

  it("tells who asks what they may, and where the cluster's own services are", () => {
    const say = (...words: readonly string[]): Outcome =>
      bed.on(1, [
        ...bed.programWords("tskubectl"),
        "--kubeconfig=/etc/tskube/admin.conf",
        ...words,
      ]);
    expect(say("auth", "whoami").out).toMatch(/^Username +kubernetes-admin$/m);
    expect(say("auth", "can-i", "create", "nodes").out).toBe("yes\n");
    const asNobody = say("auth", "can-i", "list", "secrets", "--as", "nobody");
    expect([asNobody.code, asNobody.out]).toEqual([1, "no\n"]);
    expect(say("auth", "can-i", "--list", "--as", "nobody").out).toContain("[/version]");
    const info = say("cluster-info").out;
    expect(info).toContain("control plane is running at https://10.31.0.11:6443");
    expect(info).toMatch(/^tskube-dns is running at .*services\/kube-dns:dns\/proxy$/m);
  });

  it("answers every kind of name, from a pod on each machine", async () => {
    const peer = (name: string, nodeName: string): object => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, labels: { app: "peer" } },
      spec: { ...webPodSpec, nodeName, hostname: name, subdomain: "peers" },
    });
    const service = (name: string, spec: object): object => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name },
      spec,
    });
    const ports = [{ name: "http", port: 8080 }];
    bed.apply(
      peer("peer-1", "machine-1"),
      peer("peer-2", "machine-2"),
      service("peers", { clusterIP: "None", selector: { app: "peer" }, ports }),
      service("named", { clusterIP: "10.96.3.4", selector: { app: "peer" }, ports }),
      service("alias", { type: "ExternalName", externalName: "named.default.svc.cluster.local" }),
    );
    const pods = await bed.readyPods(2, 60_000, "-l", "app=peer");
    const [one = "", two = ""] = pods.map(({ status }) => status?.podIP ?? "");
    const domain = "default.svc.cluster.local";
    const lines = [
      ["short name, by the search list", "lookup named", "10.96.3.4"],
      ["two labels", "lookup named.default", "10.96.3.4"],
      ["whole name", `lookup named.${domain}`, "10.96.3.4"],
      ["another namespace", "lookup kubernetes.default.svc", "10.96.0.1"],
      ["headless: every pod", "lookup peers", [one, two].toSorted().join()],
      ["a pod by its host name", "lookup peer-2.peers", two],
      ["a pod by its address", `lookup ${one.replaceAll(".", "-")}.default.pod.cluster.local`, one],
      ["alias", "lookup alias", "10.96.3.4"],
      ["SRV", `srv _http._tcp.named.${domain}`, `named.${domain}:8080`],
      [
        "SRV of a headless Service",
        `srv _http._tcp.peers.${domain}`,
        `peer-1.peers.${domain}:8080,peer-2.peers.${domain}:8080`,
      ],
      ["PTR of a Service", "ptr 10.96.3.4", `named.${domain}`],
      ["PTR of a pod", `ptr ${two}`, `peer-2.peers.${domain}`],
      ["CNAME", `cname alias.${domain}`, `named.${domain}`],
      ["no such name", `lookup nobody.${domain}`, "ENOTFOUND"],
      ["no address of version 6", `v6 named.${domain}`, "ENODATA"],
    ] as const;
    const questions = JSON.stringify(lines.map(([, question]) => question));
    const expected = lines.map(([title, , answer]) => `${title}: ${answer}`);
    for (const from of ["peer-1", "peer-2"]) {
      const ask = (): string => {
        const script = `(${answerQuestions.toString()})(${questions})`;
        const text = bed.kubectl("exec", from, "--", "node", "-e", script);
        const answers = JSON.parse(text) as readonly string[];
        return lines.map(([title], at) => `${title}: ${answers[at]}`).join("\n");
      };
      await eventually(
        `${from} to know all names`,
        () => tryOr(ask),
        (text) => text === expected.join("\n"),
      );
    }
  });

  it("restarts what a manifest changes, and stops what it no longer names", async () => {
    const file = "/etc/tskube/manifests/kube-scheduler.yaml";
    const schedulers = () =>
      bed.items("pods", "-n", "kube-system", "-l", "component=kube-scheduler").filter(isReady);
    const [before] = schedulers();
    const flag = "s/--leader-elect=true/&\\n        - --log-level=debug/";
    bed.on(1, ["sed", "-i", flag, file]);
    await eventually(
      "another scheduler",
      schedulers,
      ([now]) => now !== undefined && now.metadata.uid !== before?.metadata.uid,
      60_000,
    );
    bed.on(1, ["rm", file]);
    await eventually("no scheduler", schedulers, ({ length }) => length === 0, 60_000);
    expect(bed.tsadm(1, "init", "phase", "control-plane").code).toBe(0);
    await eventually("a scheduler", schedulers, ({ length }) => length === 1, 60_000);
  });

  it("makes, lists and ends tokens, and knows its certificates", () => {
    const made = bed.tsadm(1, "token", "create", "--print-join-command").out;
    expect(made).toMatch(
      /^tsadm join 10\.31\.0\.11:6443 --token \S+ --discovery-\S+ sha256:\S+\n$/,
    );
    const [id = ""] = made.split(" ")[4]?.split(".") ?? [];
    expect(bed.tsadm(1, "token", "list").out).toContain(id);
    expect(bed.tsadm(1, "token", "delete", id).code).toBe(0);
    expect(bed.tsadm(1, "token", "list").out).not.toContain(id);
    expect(bed.tsadm(1, "certs", "check-expiration").out).toMatch(/apiserver\s.*364d/);
  });

  it("leaves nothing on a machine that it is reset on", () => {
    expect(bed.tsadm(2, "reset", "--force").code).toBe(0);
    const look = (...words: readonly string[]): string => bed.on(2, words).out.trim();
    expect(look("sh", "-c", "find /etc/tskube /var/lib/tskube /run/tskube -type f")).toBe("");
    expect(look("nft", "list", "tables")).toBe("");
    expect(look("sh", "-c", "ip -o link | grep -c -e tskube -e veth")).toBe("0");
    expect(look("sh", "-c", "ip route | grep -c 10.244")).toBe("0");
    expect(look("sh", "-c", "find /sys/fs/cgroup -path '*/tskube/*' | wc -l")).toBe("0");
    expect(look("sh", "-c", "ps -eo args | grep -c '[/]tskube.mjs'")).toBe("0");
  });
});
