import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Service } from "../../api/core/v1.ts";
import type { EndpointSlice } from "../../api/discovery/v1.ts";
import { endpointSlices, services } from "../../api/resources.ts";
import { StoredInformers } from "../client/testing/stored-informers.ts";
import { openConntrack } from "../linux/conntrack.ts";
import { settle, SimulatedClock } from "../sim/simulated-clock.ts";
import { silentLogger } from "../telemetry/logger.ts";
import { runServiceProxy } from "./service-proxy.ts";

/** A node and two pods, each a network namespace; the node's is not the machine's own. */
const node = "tskube-test-svc-node";
const pods = { a: "10.233.7.2", b: "10.233.7.3" } as const;
const gateway = "10.233.7.1";
/** The node's address in a network of others. */
const outside = "192.0.2.77";
const podName = (pod: string): string => `tskube-test-svc-${pod}`;
const sh = (command: string): string =>
  execFileSync("/bin/sh", ["-c", command], { encoding: "utf8", stdio: "pipe" });
const onNode = (command: string): string => sh(`ip netns exec ${node} ${command}`);

/** Pods as the built-in network makes them: a /32 each, and the node as their only neighbour. */
function addPod(pod: string, ip: string): void {
  const inPod = `ip netns exec ${podName(pod)} ip`;
  sh(`ip netns add ${podName(pod)}`);
  onNode(`ip link add veth-${pod} type veth peer name eth0 netns ${podName(pod)}`);
  onNode(`ip link set veth-${pod} up`);
  onNode(`ip route add ${ip}/32 dev veth-${pod}`);
  onNode(`ip addr add ${gateway}/32 dev veth-${pod}`);
  sh(`${inPod} link set lo up`);
  sh(`${inPod} addr add ${ip}/32 dev eth0`);
  sh(`${inPod} link set eth0 up`);
  sh(`${inPod} route add ${gateway}/32 dev eth0 scope link`);
  sh(`${inPod} route add default via ${gateway}`);
}

/** What a pod answers on its port 8080: its own name and the client's address. */
const answering = `
require("node:net")
  .createServer((socket) => socket.end(process.argv[1] + " " + socket.remoteAddress))
  .listen(8080, "0.0.0.0", () => console.log("ready"));
const datagrams = require("node:dgram").createSocket("udp4").bind(8080);
datagrams.on("message", (_, { port, address }) => datagrams.send(process.argv[1], port, address));
process.stdin.on("end", () => process.exit()).resume();
`;
const asking = `
const socket = require("node:net").connect({ host: process.argv[1], port: Number(process.argv[2]) });
socket.setTimeout(3000, () => socket.destroy(new Error("silence")));
socket.on("data", (text) => console.log(String(text)));
socket.on("error", (error) => console.log(error.code ?? error.message));
`;
const ask = (from: string, host: string, port: number): string =>
  execFileSync("ip", ["netns", "exec", from, process.execPath, "-e", asking, host, String(port)], {
    encoding: "utf8",
    timeout: 10_000,
  }).trim();

/** Always from the same port, so that the kernel takes it for the same flow. */
const askingByDatagram = `
const socket = require("node:dgram").createSocket("udp4").bind(4242);
const silence = setTimeout(() => (console.log("silence"), socket.close()), 1000);
socket.on("message", (text) => (console.log(String(text)), clearTimeout(silence), socket.close()));
socket.on("error", (error) => (console.log(error.code), process.exit()));
socket.send("who", Number(process.argv[2]), process.argv[1]);
`;
const askByDatagram = (from: string, host: string, port: number): string => {
  const program = [process.execPath, "-e", askingByDatagram, host, String(port)];
  const options = { encoding: "utf8", timeout: 10_000 } as const;
  return execFileSync("ip", ["netns", "exec", from, ...program], options).trim();
};

async function startPod(pod: string): Promise<ChildProcess> {
  const words = ["netns", "exec", podName(pod), process.execPath, "-e", answering, pod];
  const child = spawn("ip", words, { stdio: ["pipe", "pipe", "inherit"] });
  await once(child.stdout, "data");
  return child;
}

const web = (over: Service["spec"] = {}): Service => ({
  metadata: { name: "web", namespace: "default" },
  spec: { clusterIP: "10.96.0.10", ports: [{ port: 80, nodePort: 30080 }], ...over },
});
const endpoints = (...names: readonly (keyof typeof pods)[]): EndpointSlice => ({
  metadata: {
    name: "web-1",
    namespace: "default",
    labels: { "kubernetes.io/service-name": "web" },
  },
  addressType: "IPv4",
  ports: [{ port: 8080 }],
  endpoints: names.map((name) => ({ addresses: [pods[name]], nodeName: "n1" })),
});

describe.skipIf(process.getuid?.() !== 0)("services in the kernel (needs root)", () => {
  const informers = new StoredInformers();
  const ending = new AbortController();
  const children: ChildProcess[] = [];
  let running: Promise<void> | undefined;
  const nftables = {
    run: (lines: readonly string[]): void => {
      const words = ["netns", "exec", node, "nft", "-f", "-"];
      if (lines.length > 0) execFileSync("ip", words, { input: lines.join("\n") });
    },
    list: (): string => "",
  };
  const remove = (): void => {
    for (const name of [node, ...Object.keys(pods).map(podName)])
      sh(`ip netns delete ${name} 2>/dev/null || true`);
  };
  const set = async (service: Service, slice: EndpointSlice): Promise<void> => {
    informers.put(services, service);
    informers.put(endpointSlices, slice);
    await settle();
  };

  beforeAll(async () => {
    remove();
    sh(`ip netns add ${node}`);
    onNode("ip link set lo up");
    onNode("sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'");
    onNode(`ip addr add ${outside}/32 dev lo`);
    onNode("ip link add services type bridge");
    onNode("ip link set services up");
    onNode("ip route add 10.96.0.0/16 dev services");
    for (const [pod, ip] of Object.entries(pods)) addPod(pod, ip);
    for (const pod of Object.keys(pods)) children.push(await startPod(pod));
    const conntrack = openConntrack(`/run/netns/${node}`);
    const clock = new SimulatedClock();
    const doors = { informers, nftables, conntrack, clock, logger: silentLogger };
    running = runServiceProxy({ ...doors, nodeName: "n1" }, ending.signal);
  });
  afterAll(async () => {
    ending.abort();
    await running;
    for (const child of children) {
      child.stdin?.end();
      await once(child, "exit");
    }
    remove();
  });

  it("a cluster IP leads to an endpoint, which sees the client's own address", async () => {
    await set(web(), endpoints("b"));
    expect(ask(podName("a"), "10.96.0.10", 80)).toBe(`b ${pods.a}`);
  });

  it("the node reaches it too", async () => {
    expect(ask(node, "10.96.0.10", 80)).toMatch(/^b /);
  });

  it("connections go to all endpoints", async () => {
    await set(web(), endpoints("a", "b"));
    const seen = new Set<string>();
    for (let tries = 0; tries < 40 && seen.size < 2; tries++)
      seen.add(ask(node, "10.96.0.10", 80).slice(0, 1));
    expect([...seen].toSorted((x, y) => (x < y ? -1 : 1))).toEqual(["a", "b"]);
  });

  it("with affinity a client always comes to the same one", async () => {
    await set(web({ sessionAffinity: "ClientIP" }), endpoints("a", "b"));
    const seen = Array.from({ length: 8 }, () => ask(node, "10.96.0.10", 80).slice(0, 1));
    expect(new Set(seen).size).toBe(1);
  });

  it("a pod reaches itself through its service, and sees another address than its own", async () => {
    await set(web(), endpoints("a"));
    expect(ask(podName("a"), "10.96.0.10", 80)).toBe(`a ${gateway}`);
  });

  it("a node port leads to an endpoint, masqueraded; with a Local policy as it came", async () => {
    await set(web(), endpoints("b"));
    expect(ask(podName("a"), outside, 30080)).toBe(`b ${gateway}`);
    await set(web({ externalTrafficPolicy: "Local" }), endpoints("b"));
    expect(ask(podName("a"), outside, 30080)).toBe(`b ${pods.a}`);
  });

  it("without endpoints a connection is refused at once, on either", async () => {
    await set(web(), endpoints());
    expect(ask(podName("a"), "10.96.0.10", 80)).toBe("ECONNREFUSED");
    expect(ask(podName("a"), outside, 30080)).toBe("ECONNREFUSED");
    expect(ask(node, "10.96.0.10", 80)).toBe("ECONNREFUSED");
  });

  it("datagrams of one port go to the next endpoint when theirs is gone", async () => {
    const udp = web({ ports: [{ port: 80, nodePort: 30080, protocol: "UDP" }] });
    await set(udp, endpoints("b"));
    for (const [host, port] of [
      ["10.96.0.10", 80],
      [outside, 30080],
    ] as const) {
      await set(udp, endpoints("b"));
      expect(askByDatagram(podName("a"), host, port)).toBe("b");
      await set(udp, endpoints("a"));
      expect(askByDatagram(podName("a"), host, port)).toBe("a");
    }
  });

  it("a service that is gone is no longer there", async () => {
    await set(web(), endpoints("b"));
    informers.remove(services, web());
    await settle();
    expect(onNode("nft list table ip tskube")).not.toContain("10.96.0.10");
  });
});
