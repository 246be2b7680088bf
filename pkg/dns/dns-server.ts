/**
 * Cluster DNS: answers the cluster's own names from Services and EndpointSlices, over UDP and TCP,
 * and passes everything else on to the machine's name servers, caching what they say. What is not
 * ours is never answered wrongly: without a server to ask, the answer is a failure.
 */
import { createSocket, type Socket } from "node:dgram";
import { createServer, type Server, type Socket as TcpSocket } from "node:net";
import type { Service } from "../../api/core/v1.ts";
import { endpointSlices, namespaces, services } from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import type { Informers } from "../client/client.ts";
import { byService, sliceIndexes, sliceService } from "../machinery/slice-service.ts";
import type { Logger } from "../telemetry/logger.ts";
import { ClusterZone } from "./cluster-zone.ts";
import type { Forwarder } from "./forwarder.ts";
import { Resolver } from "./resolver.ts";

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

const limits = { tcpConnectionsMax: 1_000, tcpIdleMs: 10_000 } as const;

/** Serves until the signal aborts. Rejects when an address cannot be bound. */
export async function runDnsServer(options: DnsOptions, signal: AbortSignal): Promise<void> {
  const zone = new ClusterZone(options.zone);
  await feedZone(options, zone, signal);
  const resolver = new Resolver({ ...options, zone });
  const closers = await listenEverywhere(resolver, options);
  options.logger.info({ addresses: options.addresses, port: options.port }, "answering names");
  options.onReady?.();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  for (const close of closers) close();
}

/** Every address over both transports, or none of them. */
async function listenEverywhere(
  resolver: Resolver,
  { addresses, port }: DnsOptions,
): Promise<readonly Close[]> {
  const attempts = await Promise.allSettled(
    addresses.flatMap((address) => [
      listenUdp(resolver, address, port),
      listenTcp(resolver, address, port),
    ]),
  );
  const closers = attempts.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = attempts.find((one) => one.status === "rejected");
  if (failed === undefined) return closers;
  for (const close of closers) close();
  throw new Error(`listen for names on port ${port}`, { cause: failed.reason });
}

const keyOf = ({ metadata }: Service): string => `${metadata?.namespace}/${metadata?.name}`;

async function feedZone(
  { informers }: DnsOptions,
  zone: ClusterZone,
  signal: AbortSignal,
): Promise<void> {
  const serviceInformer = informers.informer(services);
  const namespaceInformer = informers.informer(namespaces);
  const sliceInformer = informers.informer(endpointSlices, { indexes: sliceIndexes });
  await Promise.all([serviceInformer.synced, sliceInformer.synced, namespaceInformer.synced]);
  const update = (key: string): void =>
    zone.setService(key, serviceInformer.get(key), sliceInformer.byIndex(byService, key));
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
        [now, before].flatMap((one) => (one === undefined ? [] : [sliceService(one)])),
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

type Close = () => void;

async function listenUdp(resolver: Resolver, address: string, port: number): Promise<Close> {
  // Without reuseAddr: with it a second server would quietly take our queries away. Addresses of
  // clients are numbers: nothing is to be looked up, not even in the next turn of the loop.
  const socket: Socket = createSocket({
    type: "udp4",
    lookup: (host, _options, found) => found(null, host, 4),
  });
  socket.on("message", (message, from) => {
    const answer = resolver.answer(message, "udp");
    const send = (bytes: Uint8Array | undefined): void => {
      if (bytes !== undefined && !closed) socket.send(bytes, from.port, from.address);
    };
    if (answer instanceof Promise) void answer.then(send);
    else send(answer);
  });
  let closed = false;
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, resolve);
  });
  // Answers to clients that are gone come back as errors of the socket.
  socket.on("error", () => undefined);
  return () => {
    closed = true;
    socket.close();
  };
}

async function listenTcp(resolver: Resolver, address: string, port: number): Promise<Close> {
  const open = new Set<TcpSocket>();
  // Half open: who has asked all and shuts its side down still gets its answers.
  const server: Server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
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
    for await (const piece of socket.iterator({ destroyOnReturn: false })) {
      received = Buffer.concat([received, piece as Buffer]);
      while (received.length >= 2 && received.length >= received.readUInt16BE(0) + 2) {
        const length = received.readUInt16BE(0);
        const answer = await resolver.answer(received.subarray(2, length + 2), "tcp");
        received = received.subarray(length + 2);
        if (answer !== undefined) await sendFramed(socket, answer);
      }
    }
    socket.end();
  } catch {
    // The client went away: nothing is owed to it.
    socket.destroy();
  }
}

/** Behind its length. Done when the kernel has it: who never reads is not answered any further. */
const sendFramed = (socket: TcpSocket, answer: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    const head = Buffer.alloc(2);
    head.writeUInt16BE(answer.length);
    socket.write(Buffer.concat([head, answer]), (error) => {
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
