import { once } from "node:events";
import { afterEach, expect, it } from "vitest";
import { WebSocket } from "ws";
import { acceptWebSocketStreams, bytesOf } from "./accept-websocket-streams.ts";
import { sendOverWebSocket } from "./accept-websocket-reader.ts";
import { startServer } from "./server.ts";
import type { RunningServer, UpgradeRequest } from "./server-contract.ts";
import type { StreamOutcome } from "./streams-contract.ts";

let server: RunningServer;
afterEach(() => server.close());

/** What a client sees of a server that upgrades so: its protocol, and all messages as text. */
async function see(
  protocol: string,
  upgrade: (request: UpgradeRequest) => Promise<void>,
  send?: string | Buffer,
): Promise<{ readonly protocol: string; readonly messages: readonly string[] }> {
  server = await startServer({
    address: "127.0.0.1",
    port: 0,
    bodyBytesMax: 1000,
    handler: () => Promise.reject(new Error("no plain requests here")),
    upgrade,
  });
  const url = `ws://127.0.0.1:${server.port}/`;
  const socket = new WebSocket(url, protocol === "" ? [] : [protocol]);
  const messages: string[] = [];
  socket.on("message", (data, isBinary) =>
    messages.push(`${isBinary ? "binary" : "text"} ${JSON.stringify(bytesOf(data).toString())}`),
  );
  await once(socket, "open");
  if (send !== undefined) socket.send(send);
  await once(socket, "close");
  return { protocol: socket.protocol, messages };
}

const request = { stdin: true, stdout: true, stderr: false, tty: false };

/** Says back what it hears first. */
const echo = (outcome: StreamOutcome) => async (upgrade: UpgradeRequest) => {
  const streams = await acceptWebSocketStreams(upgrade, request);
  for await (const piece of streams.stdin) {
    await streams.writeStdout(piece);
    break;
  }
  await streams.finish(outcome);
};

const done = { exitCode: 0 } as const;
const failed = { failure: "no such program" } as const;
const success = String.raw`{\"metadata\":{},\"status\":\"Success\"}`;
const binary = Buffer.from("\u0000hi");
const successBase64 = Buffer.from('{"metadata":{},"status":"Success"}').toString("base64");

for (const [protocol, outcome, send, messages] of [
  [
    "v5.channel.k8s.io",
    done,
    binary,
    [String.raw`binary "\u0001hi"`, String.raw`binary "\u0003${success}"`],
  ],
  ["v4.base64.channel.k8s.io", done, "0aGk=", ['text "1aGk="', `text "3${successBase64}"`]],
  ["channel.k8s.io", done, binary, [String.raw`binary "\u0001hi"`]],
  [
    "channel.k8s.io",
    failed,
    binary,
    [String.raw`binary "\u0001hi"`, String.raw`binary "\u0003no such program"`],
  ],
  ["base64.channel.k8s.io", done, "0aGk=", ['text "1aGk="']],
  ["", done, binary, [String.raw`binary "\u0001hi"`]],
] as const) {
  it(`streams over ${protocol || "no protocol"}, ${"failure" in outcome ? "failing" : "succeeding"}`, async () => {
    const seen = await see(protocol, echo(outcome), send);
    // The first, empty one says that the streams are there.
    expect(seen).toEqual({ protocol, messages: [expect.anything(), ...messages] });
  });
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("one\n");
  yield Buffer.from("two\n");
}

for (const [protocol, messages] of [
  ["binary.k8s.io", [String.raw`binary "one\n"`, String.raw`binary "two\n"`]],
  ["base64.binary.k8s.io", ['text "b25lCg=="', 'text "dHdvCg=="']],
  ["", [String.raw`binary "one\n"`, String.raw`binary "two\n"`]],
] as const) {
  it(`sends what is read over ${protocol || "no protocol"}`, async () => {
    const seen = await see(protocol, (upgrade) => sendOverWebSocket(upgrade, pieces()));
    expect(seen).toEqual({ protocol, messages });
  });
}
