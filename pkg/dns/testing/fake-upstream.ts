import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { decodeQuery, encodeAnswer, type Query } from "../message.ts";
import type { Answer } from "../message.ts";

export interface FakeUpstream extends AsyncDisposable {
  readonly port: number;
  /** "udp name type", in the order they came. */
  readonly asked: readonly string[];
  /** Ids on the wire. */
  readonly ids: readonly number[];
  /** Resolves when the next query has come. */
  next(): Promise<void>;
}

type Zone = (query: Query, over: "udp" | "tcp") => Answer | undefined;

/** A port that is free for UDP and TCP alike. */
export async function freePort(address = "127.0.0.1"): Promise<number> {
  for (;;) {
    const udp = createSocket("udp4").bind(0, address);
    await once(udp, "listening");
    const { port } = udp.address();
    const tcp = createServer().listen(port, address);
    const isFree = await once(tcp, "listening").then(
      () => true,
      () => false,
    );
    udp.close();
    tcp.close();
    if (isFree) return port;
  }
}

/** A name server of a test: answers what `zone` says, and is silent where it says nothing. */
export async function fakeUpstream(
  zone: Zone,
  { address = "127.0.0.1", port }: { readonly address?: string; readonly port?: number } = {},
): Promise<FakeUpstream> {
  const own = port ?? (await freePort(address));
  const asked: string[] = [];
  const ids: number[] = [];
  const waiting: (() => void)[] = [];
  const answer = (message: Uint8Array, over: "udp" | "tcp"): Uint8Array | undefined => {
    const query = decodeQuery(message);
    asked.push(`${over} ${query.name} ${query.type}`);
    ids.push(query.id);
    for (const wake of waiting.splice(0)) wake();
    const found = zone(query, over);
    const bytesMax = over === "udp" ? query.payloadBytesMax : 65_535;
    return found === undefined ? undefined : encodeAnswer(query, found, bytesMax);
  };
  const udp = createSocket("udp4");
  udp.on("message", (message, from) => {
    const bytes = answer(message, "udp");
    if (bytes !== undefined) udp.send(bytes, from.port, from.address);
  });
  udp.bind(own, address);
  await once(udp, "listening");
  const open = new Set<Socket>();
  const tcp = createServer((socket) => {
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (piece: Buffer) => {
      const bytes = answer(piece.subarray(2), "tcp");
      if (bytes === undefined) return;
      socket.write(Uint8Array.of(bytes.length >>> 8, bytes.length & 0xff));
      socket.write(bytes);
    });
  }).listen(own, address);
  await once(tcp, "listening");
  return {
    port: own,
    asked,
    ids,
    next: () => new Promise((resolve) => void waiting.push(resolve)),
    [Symbol.asyncDispose]: async () => {
      udp.close();
      for (const socket of open) socket.destroy();
      tcp.close();
      await once(tcp, "close");
    },
  };
}
