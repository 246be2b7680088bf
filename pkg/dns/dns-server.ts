/**
 * Cluster DNS: answers the cluster's own names from Services and EndpointSlices, over UDP and TCP,
 * and passes everything else on to the machine's name servers, caching what they say. What is not
 * ours is never answered wrongly: without a server to ask, the answer is a failure.
 */
import { createSocket, type Socket } from "node:dgram";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";
import type { Service } from "../../api/core/v1.ts";
import type { EndpointSlice } from "../../api/discovery/v1.ts";
import { endpointSlices, namespaces, services } from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Informers } from "../client/client.ts";
import type { Logger } from "../telemetry/logger.ts";
import { AnswerCache } from "./answer-cache.ts";
import { ClusterZone } from "./cluster-zone.ts";
import type { Forwarder } from "./forwarder.ts";
import {
  decodeQuery,
  encodeAnswer,
  encodeFailure,
  MessageError,
  responseCode,
  type Query,
} from "./message.ts";

export interface DnsOptions {
  readonly informers: Informers;
  readonly forwarder: Forwarder;
  readonly clock: Clock;
  readonly logger: Logger;
  /** "cluster.local" */
  readonly zone: string;
  readonly addresses: readonly string[];
  readonly port: number;
  /** All is known and every address is bound. */
  readonly onReady?: () => void;
}

const limits = { tcpConnectionsMax: 1_000, tcpIdleMs: 10_000, tcpMessageBytes: 65_535 } as const;
const classInternet = 1;
const opcodeMask = 0x7800;

/** Serves until the signal aborts. Rejects when an address cannot be bound. */
export async function runDnsServer(options: DnsOptions, signal: AbortSignal): Promise<void> {
  const zone = new ClusterZone(options.zone);
  await feedZone(options, zone, signal);
  const resolver = new Resolver(options, zone);
  const closers = await Promise.all(
    options.addresses.flatMap((address) => [
      listenUdp(resolver, address, options.port),
      listenTcp(resolver, address, options.port),
    ]),
  );
  options.logger.info({ addresses: options.addresses, port: options.port }, "answering names");
  options.onReady?.();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  for (const close of closers) close();
}

const serviceKey = (slice: EndpointSlice): string =>
  `${slice.metadata?.namespace}/${slice.metadata?.labels?.["kubernetes.io/service-name"] ?? ""}`;
const keyOf = ({ metadata }: Service): string => `${metadata?.namespace}/${metadata?.name}`;

async function feedZone(
  { informers }: DnsOptions,
  zone: ClusterZone,
  signal: AbortSignal,
): Promise<void> {
  const serviceInformer = informers.informer(services);
  const namespaceInformer = informers.informer(namespaces);
  const sliceInformer = informers.informer(endpointSlices, {
    indexes: { service: (slice) => [serviceKey(slice)] },
  });
  await Promise.all([serviceInformer.synced, sliceInformer.synced, namespaceInformer.synced]);
  const update = (key: string): void =>
    zone.setService(key, serviceInformer.get(key), sliceInformer.byIndex("service", key));
  const updateNamespaces = (): void =>
    zone.setNamespaces(namespaceInformer.list().map((one) => one.metadata?.name ?? ""));
  const listeners = [
    namespaceInformer.onChange(updateNamespaces),
    serviceInformer.onChange((now, before) => {
      const service = now ?? before;
      if (service !== undefined) update(keyOf(service));
    }),
    sliceInformer.onChange((now, before) => {
      for (const key of new Set(
        [now, before].flatMap((one) => (one === undefined ? [] : [serviceKey(one)])),
      ))
        update(key);
    }),
  ];
  signal.addEventListener("abort", () => listeners.forEach((one) => one[Symbol.dispose]()), {
    once: true,
  });
  updateNamespaces();
  for (const service of serviceInformer.list()) update(keyOf(service));
}

/** Bytes of a query in, bytes of its answer out. */
class Resolver {
  readonly #zone: ClusterZone;
  readonly #forwarder: Forwarder;
  readonly #cache: AnswerCache;
  readonly #logger: Logger;

  constructor({ forwarder, clock, logger }: DnsOptions, zone: ClusterZone) {
    this.#zone = zone;
    this.#forwarder = forwarder;
    this.#cache = new AnswerCache(clock);
    this.#logger = logger;
  }

  /** Undefined: not worth an answer (no header, or itself an answer). Promises only when forwarded. */
  answer(bytes: Uint8Array, over: "udp" | "tcp"): Uint8Array | undefined | Promise<Uint8Array> {
    let query: Query;
    try {
      query = decodeQuery(bytes);
    } catch (error) {
      const id = error instanceof MessageError ? error.id : undefined;
      return id === undefined ? undefined : encodeFailure(id, responseCode.formatError);
    }
    if ((((bytes[2] ?? 0) << 8) & opcodeMask) !== 0)
      return encodeFailure(query.id, responseCode.notImplemented);
    if (query.class !== classInternet) return encodeFailure(query.id, responseCode.refused);
    if (!this.#zone.owns(query.name)) return this.#forward(query, bytes, over);
    const bytesMax = over === "udp" ? query.payloadBytesMax : limits.tcpMessageBytes;
    const answer = this.#zone.answer(query.name, query.type);
    const [first] = answer.answers;
    // ExternalName: we know the alias, others know its address; the client's resolver follows it.
    if (first?.data.type === "CNAME")
      return encodeAnswer(query, { ...answer, answers: [first] }, bytesMax);
    return encodeAnswer(query, answer, bytesMax);
  }

  #forward(query: Query, bytes: Uint8Array, over: "udp" | "tcp"): Uint8Array | Promise<Uint8Array> {
    const key = `${over}/${query.type}/${query.hasEdns ? query.payloadBytesMax : 0}/${query.name}`;
    const known = this.#cache.get(key, query.id);
    if (known !== undefined) return known;
    return this.#forwarder.ask(bytes, over).then(
      (response) => {
        this.#cache.put(key, response);
        return response;
      },
      (error: unknown) => {
        this.#logger.debug({ name: query.name, error: chainOf(error) }, "no other server answered");
        return encodeFailure(query.id, responseCode.serverFailure);
      },
    );
  }
}

type Close = () => void;

async function listenUdp(resolver: Resolver, address: string, port: number): Promise<Close> {
  const socket: Socket = createSocket({ type: "udp4", reuseAddr: true });
  socket.on("message", (message, from) => {
    const answer = resolver.answer(message, "udp");
    const send = (bytes: Uint8Array | undefined): void => {
      if (bytes !== undefined) socket.send(bytes, from.port, from.address);
    };
    if (answer instanceof Promise) void answer.then(send);
    else send(answer);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, resolve);
  });
  // Answers to clients that are gone come back as errors of the socket.
  socket.on("error", () => undefined);
  return () => socket.close();
}

async function listenTcp(resolver: Resolver, address: string, port: number): Promise<Close> {
  const open = new Set<TcpSocket>();
  const server: Server = createServer((socket) => {
    open.add(socket);
    socket.setTimeout(limits.tcpIdleMs, () => socket.destroy());
    socket.on("close", () => open.delete(socket));
    socket.on("error", () => undefined);
    void serveTcp(resolver, socket);
  });
  server.maxConnections = limits.tcpConnectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, resolve);
  });
  return () => {
    server.close();
    for (const socket of open) socket.destroy();
  };
}

/** Answers in the order of the questions; the next piece is read when the last one is answered. */
async function serveTcp(resolver: Resolver, socket: TcpSocket): Promise<void> {
  let received = Buffer.alloc(0);
  try {
    for await (const piece of socket) {
      received = Buffer.concat([received, piece as Buffer]);
      while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
        const length = received.readUInt16BE(0);
        const answer = await resolver.answer(received.subarray(2, length + 2), "tcp");
        received = received.subarray(length + 2);
        if (answer === undefined) continue;
        const head = Buffer.alloc(2);
        head.writeUInt16BE(answer.length);
        socket.write(Buffer.concat([head, answer]));
      }
    }
  } catch {
    // The client went away: nothing is owed to it.
  }
}
