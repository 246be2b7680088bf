import { spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { outsideWords } from "./machines.ts";
import { eventually } from "./test-bed.ts";
import { programImage, tryOr, TsadmBed, webPodSpec, whyNoMachines } from "./tsadm-bed.ts";

const reason = whyNoMachines();
if (reason !== undefined) console.log(`skipped: tsadm on machines of several links: ${reason}`);

const bigBytes = 20_000_000;

/** Says who asks; takes and gives a large body; sends datagrams back. */
const server = `
  const http = require("http"), dgram = require("dgram");
  http.createServer((request, answer) => {
    if (request.url === "/big") return answer.end(Buffer.alloc(${bigBytes}));
    let bytes = 0;
    request.on("data", (part) => (bytes += part.length)).on("end", () => answer.end(
      [require("os").hostname(), request.socket.remoteAddress.replace("::ffff:", ""), bytes].join(" ")));
  }).listen(8080);
  const udp = dgram.createSocket("udp4").bind(8081);
  udp.on("message", (message, from) => udp.send(message, from.port, from.address));`;

const pod = (number: number): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: `web-${number}`, labels: { app: `web-${number}` } },
  spec: {
    ...webPodSpec,
    nodeName: `machine-${number}`,
    containers: [{ name: "main", image: programImage, command: ["node", "-e", server] }],
  },
});

/** Every way to it from the other machine crosses the router. */
const service = (number: number): object => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: `to-${number}` },
  spec: {
    type: "NodePort",
    selector: { app: `web-${number}` },
    ports: [{ port: 80, targetPort: 8080, nodePort: 30_080 + number }],
  },
});

describe.skipIf(reason !== undefined)("two machines that share no link", () => {
  let bed: TsadmBed;
  const ips = new Map<string, string>();
  beforeAll(async () => {
    bed = await TsadmBed.make("routed", 2, { links: "routed" });
  });
  afterAll(async () => {
    await bed[Symbol.asyncDispose]();
  });

  const inPod = (number: number, script: string): string =>
    bed.kubectl("exec", `web-${number}`, "--", "node", "-e", script).trim();
  const fetching = (url: string, body = ""): string => {
    const options = body === "" ? "" : `, { method: "POST", body: ${body} }`;
    return `fetch("${url}"${options}).then((r) => r.text()).then((t) => console.log(t))`;
  };
  const outside = (script: string): string => {
    const [program = "", ...rest] = outsideWords(bed.set, ["sh", "-c", script]);
    return spawnSync(program, rest, { encoding: "utf8", timeout: 20_000 }).stdout;
  };

  it("become one cluster", async () => {
    bed.init();
    bed.join(2);
    bed.apply(pod(1), pod(2), service(1), service(2));
    const pods = await bed.readyPods(2, 60_000, "-l", "app in (web-1, web-2)");
    for (const { metadata, status } of pods) ips.set(metadata.name, status?.podIP ?? "");
    // The router knows no pod, and lets none pass: what arrives was inside something else.
    const words = outsideWords(bed.set, ["ip", "route"]);
    expect(spawnSync(words[0] ?? "", words.slice(1), { encoding: "utf8" }).stdout).not.toContain(
      "10.244",
    );
  });

  for (const [from, to] of [
    [1, 2],
    [2, 1],
  ] as const) {
    it(`connect pods of machine ${from} with those of machine ${to}, who see who they are`, () => {
      const [own, other] = [ips.get(`web-${from}`), ips.get(`web-${to}`)];
      expect(inPod(from, fetching(`http://${other}:8080`))).toBe(`web-${to} ${own} 0`);
      const big = fetching(`http://${other}:8080`, `Buffer.alloc(${bigBytes})`);
      expect(inPod(from, big)).toBe(`web-${to} ${own} ${bigBytes}`);
    });

    it(`lose no datagram from ${from} to ${to}, of whatever size`, () => {
      const sizes = [100, 1_422, 1_423, 1_472, 1_473, 30_000];
      const script = `
        const socket = require("dgram").createSocket("udp4"), got = [];
        const end = () => { console.log(got.join()); process.exit(); };
        socket.on("message", ({ length }) => got.push(length) === ${sizes.length} && end());
        setTimeout(end, 2000);
        for (const size of [${sizes.join()}])
          socket.send(Buffer.alloc(size), 8081, "${ips.get(`web-${to}`)}");`;
      const got = inPod(from, script).split(",").map(Number);
      expect(got.toSorted((a, b) => a - b)).toEqual(sizes);
    });

    it(`lead through a Service from machine ${from} to machine ${to}`, async () => {
      const ask = (): string => tryOr(() => inPod(from, fetching(`http://to-${to}`)));
      await eventually(
        "the Service",
        ask,
        (text) => text === `web-${to} ${ips.get(`web-${from}`)} 0`,
      );
      const ip = bed.kubectl("get", "service", `to-${to}`, "-o", "jsonpath={.spec.clusterIP}");
      expect(bed.run(from, "curl", "-sm", "5", `http://${ip}`)).toMatch(`web-${to} `);
    });

    it(`lead through a node port of machine ${from} to machine ${to}, both ways in bulk`, async () => {
      const url = `http://${bed.machine(from).address}:${30_080 + to}`;
      await eventually(
        "the node port",
        () => bed.ask(url),
        (text) => text.startsWith(`web-${to} `),
      );
      expect(outside(`curl -sm 15 ${url}/big | wc -c`).trim()).toBe(`${bigBytes}`);
      const sent = outside(`head -c ${bigBytes} /dev/zero | curl -sm 15 --data-binary @- ${url}`);
      expect(sent).toMatch(new RegExp(`^web-${to} \\S+ ${bigBytes}$`));
    });
  }

  it("send nothing whose checksum was spoilt on the way", () => {
    for (const number of [1, 2]) {
      const lines = bed.run(number, "grep", "^Udp:", "/proc/net/snmp").split("\n");
      const [names = [], counts = []] = lines.map((line) => line.split(" "));
      expect(counts[names.indexOf("InCsumErrors")]).toBe("0");
    }
  });

  it("let nobody but nodes send into the tunnel", () => {
    const dropped = (chain: string): number => {
      const text = bed.run(2, "nft", "list", "chain", "ip", "tskube-vxlan", chain);
      return Number(/counter packets (\d+)/.exec(text)?.[1]);
    };
    const address = bed.machine(2).address;
    const send = `const socket = require("dgram").createSocket("udp4");
      socket.send("x", 8472, "${address}", () => socket.close())`;
    const before = dropped("input");
    outside(`'${process.execPath}' -e '${send}'`);
    expect(dropped("input")).toBe(before + 1);
    // A pod's packet would come with its node's address, if the node let it out.
    inPod(1, send);
    expect(dropped("input")).toBe(before + 1);
    expect(bed.run(1, "nft", "list", "chain", "ip", "tskube-vxlan", "forward")).toMatch(
      /counter packets [1-9]\d* .*drop/,
    );
  });

  it("make the tunnel again where somebody took it away", async () => {
    bed.run(1, "ip", "link", "delete", "tskube-vxlan");
    // A change of how a node is reached is a reason to look; else the next look after 30 s is.
    bed.kubectl("label", "node", "machine-2", "tskube/pod-links=tunnel");
    const ask = (): string => tryOr(() => inPod(1, fetching(`http://${ips.get("web-2")}:8080`)));
    await eventually("the tunnel", ask, (text) => text.startsWith("web-2 "));
  });

  it("leave nothing of the tunnel: on who is reset, and on who needs it no more", async () => {
    const left = (number: number): string =>
      bed.run(
        number,
        "sh",
        "-c",
        "ip -o link | grep vxlan; ip route | grep 'proto 84'; ip neigh | grep PERMANENT; " +
          "nft list tables | grep vxlan; grep -i :2118 /proc/net/udp; true",
      );
    for (const number of [1, 2]) expect(left(number)).toContain("tskube-vxlan");
    expect(bed.tsadm(2, "reset", "--force").code).toBe(0);
    expect(left(2)).toBe("");
    bed.kubectl("delete", "node", "machine-2");
    await eventually(
      "the other end",
      () => left(1),
      (text) => text === "",
    );
  });
});
