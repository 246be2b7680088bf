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
const headerBytes = 12;
const responseFlag = 0x80;
const responseCodeMask = 0x0f;

interface Waiting {
  readonly id: number;
  readonly question: string;
  readonly resolve: (response: Uint8Array) => void;
  readonly reject: (error: Error) => void;
}

/** What of a message says which question it is about; servers may change its case. */
const questionOf = (message: Buffer, length: number): string =>
  message.toString("latin1", headerBytes, headerBytes + length).toLowerCase();

/** Server failure, not implemented, refused: another server may know better, as in resolver(3). */
const isRefusal = (response: Uint8Array): boolean =>
  [2, 4, 5].includes((response[3] ?? 0) & responseCodeMask);

/**
 * Passes queries on. Ids on the way are our own, random ones, so that answers are hard to forge.
 */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const port = options.port ?? 53;
  const byUdp = new UdpQueries(options, port);
  let underway = 0;
  const ask = async (query: Uint8Array, over: "udp" | "tcp"): Promise<Uint8Array> => {
    let problem: unknown = new Error("no other name servers are known");
    let refusal: Uint8Array | undefined;
    for (const server of options.servers) {
      try {
        const response = await (over === "udp"
          ? byUdp.ask(query, server)
          : askTcp(query, server, port, options.clock));
        if (!isRefusal(response)) return response;
        refusal ??= response;
      } catch (error) {
        problem = error;
      }
    }
    if (refusal !== undefined) return refusal;
    throw problem;
  };
  return {
    ask: async (query, over) => {
      if (underway >= limits.waitingMax)
        throw new Error("too many queries are waiting for other servers");
      underway++;
      try {
        return await ask(query, over);
      } finally {
        underway--;
      }
    },
    [Symbol.dispose]: () => byUdp.close(),
  };
}

/** Queries that went out over one socket, and wait for their answers. */
class UdpQueries {
  readonly #options: ForwarderOptions;
  readonly #port: number;
  readonly #waiting = new Map<string, Waiting>();
  readonly #socket: Socket = createSocket("udp4");

  constructor(options: ForwarderOptions, port: number) {
    this.#options = options;
    this.#port = port;
    this.#socket.unref();
    // An unreachable server answers by ICMP: the attempt's own time limit deals with it.
    this.#socket.on("error", () => undefined);
    this.#socket.on("message", (message, from) => {
      if (from.port === port) this.#receive(message, from.address);
    });
  }

  #receive(message: Buffer, server: string): void {
    if (message.length < headerBytes) return;
    const one = this.#waiting.get(`${server}/${message.readUInt16BE(0)}`);
    if (one === undefined || !isResponseTo(message, one.question)) return;
    message.writeUInt16BE(one.id, 0);
    one.resolve(message);
  }

  ask(query: Uint8Array, server: string): Promise<Uint8Array> {
    const { clock } = this.#options;
    const copy = Buffer.from(query);
    const ownId = this.#freeId(server);
    const key = `${server}/${ownId}`;
    const asked = { id: copy.readUInt16BE(0), question: questionOf(copy, questionBytes(copy)) };
    copy.writeUInt16BE(ownId, 0);
    return new Promise<Uint8Array>((resolve, reject) => {
      const end = (): void => {
        timer[Symbol.dispose]();
        this.#waiting.delete(key);
      };
      const fail = (error: Error): void => {
        end();
        reject(error);
      };
      const timer = clock.after(limits.attemptMs, () =>
        fail(new Error(`name server ${server} did not answer within ${limits.attemptMs} ms`)),
      );
      const succeed = (response: Uint8Array): void => {
        end();
        resolve(response);
      };
      this.#waiting.set(key, { ...asked, resolve: succeed, reject: fail });
      this.#socket.send(copy, this.#port, server, (error) => {
        if (error !== null) fail(error);
      });
    });
  }

  /** An id that no other query to this server has: far fewer wait than there are ids. */
  #freeId(server: string): number {
    let id = Math.floor(this.#options.random.fraction() * 0x1_0000);
    while (this.#waiting.has(`${server}/${id}`)) id = (id + 1) & 0xffff;
    return id;
  }

  close(): void {
    for (const one of this.#waiting.values()) one.reject(new Error("the forwarder is closed"));
    this.#socket.close();
  }
}

/** Length of the one question behind the header: name, type, class. */
function questionBytes(message: Uint8Array): number {
  let at = headerBytes;
  while ((message[at] ?? 0) !== 0) at += (message[at] ?? 0) + 1;
  return at + 5 - headerBytes;
}

const isResponseTo = (message: Buffer, question: string): boolean =>
  ((message[2] ?? 0) & responseFlag) !== 0 && questionOf(message, question.length) === question;

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
      const response = received.subarray(2, wanted + 2);
      const question = questionOf(Buffer.from(query), questionBytes(query));
      if (response.length < headerBytes || !isResponseTo(response, question))
        return void socket.destroy(new Error(`name server ${server} answered something else`));
      timer[Symbol.dispose]();
      socket.destroy();
      resolve(response);
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
