import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { nodes, pods } from "../../../api/resources.ts";
import { systemClock } from "../../base/system-clock.ts";
import { systemRandom } from "../../base/system-random.ts";
import type { Handler, WireRequest } from "../../base/wire.ts";
import { createAuthority } from "../../pki/authority.ts";
import { startServer } from "../../serving/server.ts";
import type { RunningServer, UpgradeHandler } from "../../serving/server-contract.ts";
import { FixedObjects } from "../auth/testing/fixed-objects.ts";
import type { NodeProxy, ProxyTarget } from "../connect-contract.ts";
import { kubeletHttps } from "./kubelet-https.ts";
import { inProcessKubelets, type KubeletTransport } from "./kubelet-transport.ts";
import { nodeProxy } from "./node-proxy.ts";

const doors = { clock: systemClock, random: systemRandom };
const validForMs = 3_600_000;
const authority = createAuthority({ commonName: "ca", validForMs }, doors);
const issue = (commonName: string, usages: readonly ("server auth" | "client auth")[]) =>
  authority.issue({ subject: { commonName }, names: ["127.0.0.1"], usages, validForMs }, doors);
const target = (more: Partial<ProxyTarget>): ProxyTarget => ({
  resource: "pods",
  subresource: "log",
  namespace: "a",
  name: "web",
  rest: "",
  query: new URLSearchParams(),
  user: { name: "jane", uid: "", groups: [], extra: {} },
  ...more,
});
const request: WireRequest = {
  method: "GET",
  path: "/",
  headers: { authorization: "Bearer secret" },
  peer: { address: "" },
  signal: new AbortController().signal,
};

/** A kubelet that answers logs with who asked for what, and echoes streams in capitals. */
const kubeletHandler: Handler = async ({ path, peer, headers }) => {
  if (path.includes("waiting")) {
    return { status: 400, headers: {}, body: Buffer.from("container is waiting to start\n") };
  }
  const said = `${path} ${peer.certificate?.commonName} ${headers["authorization"]}`;
  return { status: 200, headers: { "content-type": "text/plain" }, body: Buffer.from(said) };
};
const kubeletUpgrade: UpgradeHandler = async ({ socket, path, head }) => {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n${path}\n`);
  socket.write(Buffer.from(head).toString().toUpperCase());
  for await (const data of socket) socket.write(String(data).toUpperCase());
  socket.end();
};

const objectsFor = (port: number): FixedObjects =>
  new FixedObjects()
    .put(nodes, {
      metadata: { name: "n1" },
      status: {
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    })
    .put(
      pods,
      ...["web", "waiting"].map((name) => ({
        metadata: { namespace: "a", name },
        spec: { nodeName: "n1", containers: [{ name: "c", image: "x" }] },
      })),
      { metadata: { namespace: "a", name: "unscheduled" }, spec: { containers: [{ name: "c" }] } },
    );

const textOf = async (proxy: NodeProxy, more: Partial<ProxyTarget>): Promise<string> => {
  const { body } = await proxy.respond(request, target(more));
  if (body instanceof Uint8Array) return Buffer.from(body).toString();
  let text = "";
  for await (const piece of body as AsyncIterable<Uint8Array>)
    text += Buffer.from(piece).toString();
  return text;
};

describe("nodeProxy", () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const each of open.splice(0)) await each.close();
  });
  const keep = (server: RunningServer): RunningServer => {
    open.push(server);
    return server;
  };

  const ways: readonly (readonly [string, () => Promise<readonly [KubeletTransport, number]>])[] = [
    [
      "over HTTPS",
      async () => {
        const tls = {
          ...issue("kubelet", ["server auth"]),
          clientAuthorities: authority.certificate,
        };
        const server = keep(
          await startServer({
            tls,
            address: "127.0.0.1",
            port: 0,
            bodyBytesMax: 1000,
            handler: kubeletHandler,
            upgrade: kubeletUpgrade,
          }),
        );
        const client = issue("kube-apiserver-kubelet-client", ["client auth"]);
        const options = { ...client, authority: authority.certificate, clock: systemClock };
        const transport = kubeletHttps(options);
        open.unshift({ close: async () => transport[Symbol.dispose]() });
        return [transport, server.port];
      },
    ],
    [
      "in one process",
      async () => [
        inProcessKubelets((name) =>
          name === "n1" ? { handler: kubeletHandler, upgrade: kubeletUpgrade } : undefined,
        ),
        1,
      ],
    ],
  ];

  for (const [title, way] of ways) {
    it(`fetches logs ${title}, as the API server itself`, async () => {
      const [kubelets, port] = await way();
      const proxy = nodeProxy({ objects: objectsFor(port), kubelets });
      expect(await textOf(proxy, { query: new URLSearchParams("tailLines=1") })).toBe(
        "/containerLogs/a/web/c?tailLines=1 kube-apiserver-kubelet-client undefined",
      );
      expect(await textOf(proxy, { name: "unscheduled" })).toBe("");
      await expect(textOf(proxy, { name: "waiting" })).rejects.toMatchObject({
        reason: "BadRequest",
        message: "container is waiting to start",
      });
      await expect(textOf(proxy, { name: "gone" })).rejects.toMatchObject({ reason: "NotFound" });
    });

    it(`joins streams ${title}`, async () => {
      const [kubelets, port] = await way();
      const proxy = nodeProxy({ objects: objectsFor(port), kubelets });
      const query = new URLSearchParams("stdin=1&command=cat");
      const server = keep(
        await startServer({
          address: "127.0.0.1",
          port: 0,
          bodyBytesMax: 1000,
          handler: kubeletHandler,
          upgrade: (upgrade) => proxy.upgrade(upgrade, target({ subresource: "exec", query })),
        }),
      );
      const socket = connect(server.port, "127.0.0.1");
      socket.write(
        "POST /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\nearly ",
      );
      let text = "";
      socket.setEncoding("utf8").on("data", (data: string) => (text += data));
      while (!text.includes("EARLY")) await once(socket, "data");
      socket.end("late");
      await once(socket, "close");
      expect(text).toContain("/exec/a/web/c?input=1&command=cat\n");
      expect(text).toMatch(/EARLY LATE$/);
    });
  }

  it("says what is wrong where no kubelet can be reached", async () => {
    const client = issue("x", ["client auth"]);
    using kubelets = kubeletHttps({ ...client, clock: systemClock });
    const proxy = nodeProxy({ objects: objectsFor(1), kubelets });
    await expect(textOf(proxy, {})).rejects.toMatchObject({
      reason: "InternalError",
      message: expect.stringMatching(/error dialing backend: .*ECONNREFUSED/),
    });
    const upgrade = { subresource: "exec", name: "unscheduled" } as const;
    const socket = connect(1, "127.0.0.1").on("error", () => {});
    const asked = { ...request, socket, head: new Uint8Array(0) };
    await expect(proxy.upgrade(asked, target(upgrade))).rejects.toThrow(
      /pod unscheduled does not have a host assigned/,
    );
  });

  it("does not send a node's proxy to its own loopback", async () => {
    const kubelets = inProcessKubelets(() => ({
      handler: kubeletHandler,
      upgrade: kubeletUpgrade,
    }));
    const proxy = nodeProxy({ objects: objectsFor(1), kubelets });
    const node = target({ resource: "nodes", subresource: "proxy", namespace: "", name: "n1" });
    await expect(proxy.respond(request, node)).rejects.toThrow(/address not allowed/);
  });
});
