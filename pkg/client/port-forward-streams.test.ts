import { afterEach, expect, it } from "vitest";
import { acceptPortForward } from "../serving/accept-port-forward.ts";
import { refuseUpgrade } from "../serving/refuse-upgrade.ts";
import { startServer } from "../serving/server.ts";
import type { RunningServer, UpgradeHandler } from "../serving/server-contract.ts";
import { StatusError } from "../machinery/status-error.ts";
import { openPortForward, type PortForward } from "./port-forward-streams.ts";

let server: RunningServer;
const end = new AbortController();
afterEach(() => server.close());

async function open(upgrade: UpgradeHandler): Promise<PortForward> {
  server = await startServer({
    address: "127.0.0.1",
    port: 0,
    bodyBytesMax: 1000,
    handler: () => Promise.reject(new Error("no plain requests here")),
    upgrade,
  });
  return openPortForward({ server: `http://127.0.0.1:${server.port}` }, "/x", end.signal);
}

/** Answers in upper case; port 1 is not served. */
const echo: UpgradeHandler = async (upgrade) => {
  const { connections } = await acceptPortForward(upgrade);
  for await (const connection of connections) {
    if (connection.port === 1) {
      await connection.end("nobody listens");
      continue;
    }
    void (async () => {
      for await (const data of connection.received)
        await connection.write(Buffer.from(Buffer.from(data).toString().toUpperCase()));
      await connection.end();
    })();
  }
};

const textOf = async (pieces: AsyncIterable<Uint8Array>): Promise<string> => {
  let text = "";
  for await (const piece of pieces) text += Buffer.from(piece).toString();
  return text;
};

it("carries several connections over one", async () => {
  const forward = await open(echo);
  const streams = [80, 81, 82].map((port) => forward.open(port));
  const texts = streams.map(({ received }) => textOf(received));
  await Promise.all(streams.map((stream, at) => stream.write(Buffer.from(`hello ${at} `))));
  for (const stream of streams) {
    await stream.write(Buffer.from("world"));
    stream.end();
  }
  expect(await Promise.all(texts)).toEqual(["HELLO 0 WORLD", "HELLO 1 WORLD", "HELLO 2 WORLD"]);
  expect(await Promise.all(streams.map(({ failure }) => failure))).toEqual(["", "", ""]);
  forward.close();
});

it("tells why a port is not served, and goes on with others", async () => {
  const forward = await open(echo);
  expect(await forward.open(1).failure).toBe("nobody listens");
  const other = forward.open(80);
  await other.write(Buffer.from("a"));
  other.end();
  expect(await textOf(other.received)).toBe("A");
  forward.close();
});

it("rejects with what the server says", async () => {
  const refused = open(async (upgrade) =>
    refuseUpgrade(upgrade, new StatusError("Forbidden", "not you")),
  );
  await expect(refused).rejects.toMatchObject({ reason: "Forbidden", message: "not you" });
});
