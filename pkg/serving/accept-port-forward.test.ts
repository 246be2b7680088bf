import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, it } from "vitest";
import { acceptPortForward } from "./accept-port-forward.ts";
import { startServer } from "./server.ts";
import type { RunningServer } from "./server-contract.ts";
import type { PortForwards } from "./streams-contract.ts";
import { SpdyClient } from "./testing/spdy-client.ts";

let server: RunningServer;
afterEach(() => server.close());

async function accept(): Promise<{ port: number; forwards: Promise<PortForwards> }> {
  const forwards = Promise.withResolvers<PortForwards>();
  server = await startServer({
    address: "127.0.0.1",
    port: 0,
    bodyBytesMax: 1000,
    handler: () => Promise.reject(new Error("no plain requests here")),
    upgrade: (upgrade) => acceptPortForward(upgrade).then(forwards.resolve, forwards.reject),
  });
  return { port: server.port, forwards: forwards.promise };
}

it("pairs the streams of each connection, and carries both ways", async () => {
  const { port, forwards } = await accept();
  const client = new SpdyClient(port, "portforward.k8s.io");
  // Two connections whose streams come mixed.
  client.open(1, { streamtype: "error", port: "80", requestid: "0" });
  client.open(3, { streamtype: "error", port: "81", requestid: "1" });
  client.open(5, { streamtype: "data", port: "81", requestid: "1" });
  client.open(7, { streamtype: "data", port: "80", requestid: "0" });
  client.send(5, "to 81", true);
  client.send(7, "to 80", true);
  const { connections } = await forwards;
  let served = 0;
  for await (const connection of connections) {
    for await (const data of connection.received) {
      await connection.write(Buffer.from(`${connection.port} got ${Buffer.from(data).toString()}`));
    }
    await connection.end(connection.port === 80 ? "refused" : undefined);
    served += 1;
    if (served === 2) break;
  }
  await client.until((one) => one.text(1) !== "" && one.text(7) !== "");
  expect([client.text(5), client.text(7)]).toEqual(["81 got to 81", "80 got to 80"]);
  expect([client.text(1), client.text(3)]).toEqual(["refused", ""]);
  client.socket.destroy();
});

it("resets streams that name no port, and ends with the client", async () => {
  const { port, forwards } = await accept();
  const client = new SpdyClient(port, "portforward.k8s.io");
  client.open(1, { streamtype: "data", port: "none", requestid: "0" });
  await client.until(({ frames }) => frames.some(({ is }) => is === "rst-stream"));
  const { connections, closed } = await forwards;
  const gone = once(closed, "abort");
  client.socket.destroy();
  await gone;
  for await (const _ of connections) expect.fail("there was none");
});

it("takes SPDY inside of a WebSocket, whose protocol has a slash in its name", async () => {
  const { port, forwards } = await accept();
  const socket = connect(port, "127.0.0.1");
  const offer = [
    "GET / HTTP/1.1",
    "Host: x",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
    "Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io",
  ];
  socket.write(`${offer.join("\r\n")}\r\n\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 101 /);
  expect(answer.toString()).toContain("Sec-WebSocket-Protocol: SPDY/3.1+portforward.k8s.io\r\n");
  const { closed } = await forwards;
  const gone = once(closed, "abort");
  socket.destroy();
  await gone;
});
