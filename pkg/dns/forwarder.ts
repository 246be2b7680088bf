import { createSocket, type Socket } from "node:dgram";
import { connect } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";

export interface Forwarder extends Disposable {
  /** Another server's response to this query, as bytes. Rejects when none of them answers. */
  ask(query: Uint8Array, over: "udp" | "tcp"): Promise<Uint8Array>;
}

export interface ForwarderOptions {
  /** Addresses of name servers, asked one after another; never our own. */
  readonly servers: readonly string[];
  readonly port?: number;
  readonly clock: Clock;
  readonly random: Random;
}

const limits = { attemptMs: 2_000, waitingMax: 1_000, tcpBytesMax: 65_535 } as const;

interface Waiting {
  readonly id: number;
  readonly resolve: (response: Uint8Array) => void;
}

/** Passes queries on. Ids on the way are our own, random ones, so that answers are hard to forge. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const port = options.port ?? 53;
  const waiting = new Map<string, Waiting>();
  const socket: Socket = createSocket("udp4");
  socket.unref();
  // An unreachable server answers by ICMP: the attempt's own time limit deals with it.
  socket.on("error", () => undefined);
  socket.on("message", (message, from) => {
    const key = `${from.address}/${message.readUInt16BE(0)}`;
    const one = waiting.get(key);
    if (one === undefined || from.port !== port) return;
    waiting.delete(key);
    message.writeUInt16BE(one.id, 0);
    one.resolve(message);
  });

  const askUdp = (query: Uint8Array, server: string): Promise<Uint8Array> => {
    const copy = Buffer.from(query);
    const id = copy.readUInt16BE(0);
    const ownId = Math.floor(options.random.fraction() * 0x1_0000);
    const key = `${server}/${ownId}`;
    copy.writeUInt16BE(ownId, 0);
    return new Promise((resolve, reject) => {
      const timer = options.clock.after(limits.attemptMs, () => {
        waiting.delete(key);
        reject(new Error(`name server ${server} did not answer within ${limits.attemptMs} ms`));
      });
      waiting.set(key, {
        id,
        resolve: (response) => {
          timer[Symbol.dispose]();
          resolve(response);
        },
      });
      socket.send(copy, port, server);
    });
  };

  return {
    ask: async (query, over) => {
      if (waiting.size >= limits.waitingMax)
        throw new Error("too many queries are waiting for other servers");
      let problem: unknown = new Error("no other name servers are known");
      for (const server of options.servers) {
        try {
          return await (over === "udp"
            ? askUdp(query, server)
            : askTcp(query, server, port, options.clock));
        } catch (error) {
          problem = error;
        }
      }
      throw problem;
    },
    [Symbol.dispose]: () => socket.close(),
  };
}

/** One query over one connection: each message behind its length in two bytes (RFC 7766). */
function askTcp(
  query: Uint8Array,
  server: string,
  port: number,
  clock: Clock,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, server);
    const timer = clock.after(limits.attemptMs, () =>
      socket.destroy(new Error(`name server ${server} did not answer over TCP`)),
    );
    let received: Buffer = Buffer.alloc(0);
    socket.on("connect", () => {
      const length = Buffer.alloc(2);
      length.writeUInt16BE(query.length);
      socket.write(Buffer.concat([length, query]));
    });
    socket.on("data", (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
      const wanted = received.length < 2 ? limits.tcpBytesMax : received.readUInt16BE(0);
      if (received.length < wanted + 2) return;
      timer[Symbol.dispose]();
      socket.destroy();
      resolve(received.subarray(2, wanted + 2));
    });
    socket.on("error", reject);
    socket.on("close", () => {
      timer[Symbol.dispose]();
      reject(new Error(`name server ${server} closed the connection`));
    });
  });
}

/** The nameserver lines of resolv.conf(5). */
export const parseNameServers = (text: string): readonly string[] =>
  [...text.matchAll(/^\s*nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$/gm)].map((match) => match[1] ?? "");
