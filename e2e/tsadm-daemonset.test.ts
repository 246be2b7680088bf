import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { enterWords } from "./machines.ts";
import { eventually, upstreamProgram } from "./test-bed.ts";
import { isReady, TsadmBed, webPodSpec, whyNoMachines, type ListedObject } from "./tsadm-bed.ts";

const reason = whyNoMachines();
if (reason !== undefined) console.log(`skipped: DaemonSets on machines: ${reason}`);

/** Every kubectl that there is: several versions, as people have them. */
const named = (process.env["KUBECTL"] ?? "").split(":").filter(existsSync);
const kubectls = named.length > 0 ? named : [upstreamProgram("kubectl") ?? ""].filter(existsSync);

const system = ["-n", "kube-system"];
const onNode = (pods: readonly ListedObject[]): readonly string[] =>
  pods.map(({ spec }) => spec?.nodeName ?? "").toSorted((one, other) => (one < other ? -1 : 1));

/** Runs in a pod: asks for a name again and again, and says how often it was answered and not. */
async function askForNames(name: string, forMs: number): Promise<void> {
  const { promises: dns } = process.getBuiltinModule("node:dns");
  const told = { answered: 0, failed: [] as unknown[] };
  for (const end = Date.now() + forMs; Date.now() < end;) {
    // A port of its own each time, as programs do that start for one question.
    const resolver = new dns.Resolver({ timeout: 2_000, tries: 1 });
    await resolver.resolve4(name).then(
      () => told.answered++,
      (error: unknown) => told.failed.push((error as { readonly code?: string }).code),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.stdout.write(JSON.stringify(told));
}

const agent = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "web" },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: webPodSpec },
  },
};

describe.skipIf(reason !== undefined)("DaemonSets of a cluster by tsadm", () => {
  let bed: TsadmBed;
  const machines = ["machine-1", "machine-2"];

  beforeAll(async () => {
    bed = await TsadmBed.make("daemonset", 2);
    bed.init();
    bed.join(2);
  });
  afterAll(() => bed[Symbol.asyncDispose]());

  const podOn = (node: string, ...words: readonly string[]): ListedObject => {
    const found = bed.items("pods", ...words).find(({ spec }) => spec?.nodeName === node);
    if (found === undefined) throw new Error(`no pod ${words.join(" ")} on ${node}`);
    return found;
  };
  const rules = (number: number): string => bed.run(number, "nft", "list", "table", "ip", "tskube");

  it("have a service proxy and a DNS on every machine", async () => {
    for (const label of ["k8s-app=kube-proxy", "k8s-app=kube-dns"]) {
      const pods = await bed.readyPods(2, 60_000, ...system, "-l", label);
      expect(onNode(pods)).toEqual(machines);
    }
    const ask = (path: string): string =>
      bed.run(2, "curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", `http://127.0.0.1:${path}`);
    expect(ask("10256/healthz")).toBe("200");
    expect(bed.run(2, "curl", "-s", "http://127.0.0.1:10249/metrics")).toContain(
      "kubeproxy_sync_proxy_rules_duration_seconds_count",
    );
  });

  it("answer the pods of their own machine", async () => {
    const dnsOn = (node: string): string =>
      podOn(node, ...system, "-l", "k8s-app=kube-dns").status?.podIP ?? "";
    const [first, second] = machines.map(dnsOn);
    const told = (): string =>
      rules(2)
        .split("\n")
        .find((line) => line.includes('"kube-system/kube-dns:dns"')) ?? "";
    const isOwn = (rule: string): boolean =>
      rule.includes(` ${second} . 53`) && !rule.includes(` ${first} . 53`);
    await eventually("names to be asked for on the machine itself", told, isOwn);
  });

  it("follow labels and taints of nodes", async () => {
    const only = { ...webPodSpec, nodeSelector: { disk: "fast" } };
    const template = { metadata: { labels: { app: "web" } }, spec: only };
    bed.apply({ ...agent, spec: { ...agent.spec, template } });
    const pods = () => bed.items("pods", "-l", "app=web");
    bed.kubectl("label", "node", "machine-2", "disk=fast");
    const isOn2 = (all: readonly ListedObject[]): boolean =>
      onNode(all).join() === "machine-2" && all.every(isReady);
    await eventually("a pod on the labelled machine", pods, isOn2, 60_000);
    bed.kubectl("cordon", "machine-2");
    bed.kubectl("delete", "pod", "-l", "app=web");
    await eventually("another, though it is cordoned", pods, isOn2, 60_000);
    bed.kubectl("uncordon", "machine-2");
    bed.kubectl("label", "node", "machine-2", "disk-");
    await eventually("none", pods, ({ length }) => length === 0, 60_000);
    bed.kubectl("delete", "ds", "web");
  });

  it.each(kubectls)("roll out, back and anew: %s", (kubectl) => {
    const run = (...words: readonly string[]): string =>
      bed.run(1, "env", "KUBECONFIG=/etc/tskube/admin.conf", kubectl, ...words);
    const wait = (): string => run("rollout", "status", "ds/web", "--timeout=60s");
    bed.apply(agent);
    expect(wait()).toContain('daemon set "web" successfully rolled out');
    run("set", "env", "ds/web", "NOTE=two");
    expect(wait()).toContain("out of 2 new pods have been updated");
    expect(run("rollout", "history", "ds/web")).toMatch(/\n1 .*\n2 /);
    run("rollout", "undo", "ds/web");
    wait();
    expect(run("get", "ds", "web", "-o", "yaml")).not.toContain("NOTE");
    expect(run("rollout", "history", "ds/web")).toMatch(/\n2 .*\n3 /);
    run("rollout", "restart", "ds/web");
    wait();
    expect(run("describe", "ds", "web")).toContain("Desired Number of Nodes Scheduled: 2");
    expect(run("get", "ds", "web")).toMatch(/\nweb +2 +2 +2 +2 +2 /);
    run("delete", "ds", "web");
  });

  it("go on answering names while one machine's DNS is replaced", async () => {
    bed.apply(agent, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] },
    });
    await bed.readyPods(2, 60_000, "-l", "app=web");
    const asker = podOn("machine-1", "-l", "app=web").metadata.name;
    const script = `(${askForNames.toString()})("web.default.svc.cluster.local", 15000)`;
    const words = bed.kubectlWords(["exec", asker, "--", "node", "-e", script]);
    const [program = "", ...rest] = enterWords(bed.machine(1), words);
    const asking = spawn(program, rest, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(asking, "exit");
    const before = podOn("machine-1", ...system, "-l", "k8s-app=kube-dns").metadata;
    bed.kubectl(...system, "delete", "pod", before.name, "--wait=false");
    const told = JSON.parse(await text(asking.stdout)) as {
      readonly answered: number;
      readonly failed: readonly unknown[];
    };
    await ended;
    expect(told.failed).toEqual([]);
    expect(told.answered).toBeGreaterThan(50);
    expect(podOn("machine-1", ...system, "-l", "k8s-app=kube-dns").metadata.uid).not.toBe(
      before.uid,
    );
  });

  it("leave Services as they are while a proxy is away, and bring them up to date after", async () => {
    const proxyOn = (node: string) => podOn(node, ...system, "-l", "k8s-app=kube-proxy");
    const before = proxyOn("machine-2").metadata;
    const known = rules(2);
    expect(known).toContain("default/web");
    bed.kubectl(...system, "delete", "pod", before.name, "--force", "--grace-period=0");
    expect(rules(2)).toContain("default/web");
    bed.kubectl("delete", "service", "web");
    const gone = () => rules(2).includes("default/web");
    await eventually("its rules to go", gone, (isThere) => !isThere, 60_000);
    expect(proxyOn("machine-2").metadata.uid).not.toBe(before.uid);
  });

  it("go with a machine that leaves", async () => {
    expect(bed.tsadm(2, "reset", "--force").code).toBe(0);
    expect(bed.run(2, "nft", "list", "tables").trim()).toBe("");
    bed.kubectl("delete", "node", "machine-2");
    const desired = () =>
      bed.kubectl(
        ...system,
        "get",
        "ds",
        "kube-proxy",
        "-o",
        "jsonpath={.status.desiredNumberScheduled}",
      );
    await eventually("one machine to be meant", desired, (count) => count === "1", 60_000);
  });
});
