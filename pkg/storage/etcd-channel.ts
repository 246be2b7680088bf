/**
 * The one door to etcd: typed calls over gRPC, to whichever endpoint answers. What a call throws
 * is a StorageError, or the caller's own abort.
 */
import { checkServerIdentity } from "node:tls";
import {
  ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  connectivityState,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { etcdMessages, etcdMethods, type EtcdMethods } from "../../api/etcd/v3.ts";
import type { Clock } from "../base/clock.ts";
import { ProtobufCodec } from "../machinery/protobuf.ts";
import { number64, proto3 } from "../machinery/protobuf-scalars.ts";
import { schemaOfTable } from "../machinery/schema.ts";
import { storageErrorOf } from "./etcd-errors.ts";
import { StorageError } from "./storage.ts";

export interface EtcdTls {
  /** PEM. Absent: the authorities that Node trusts. */
  readonly ca?: Uint8Array;
  /** PEM of the client's certificate and key, both or none. */
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
}

export interface EtcdChannelOptions {
  /** "http://127.0.0.1:2379", "https://etcd-0:2379", "unix:/run/etcd.sock"; at least one. */
  readonly endpoints: readonly string[];
  readonly tls?: EtcdTls;
  /** For deadlines. */
  readonly clock: Clock;
}

const limits = {
  callMs: 30_000, // a request that etcd has not answered by then is lost
  messageBytesMax: 512 * 1024 * 1024, // a page of values at their limit: we choose its size
  keepaliveMs: 30_000, // a peer that vanished without a word is noticed
  keepaliveTimeoutMs: 10_000,
  reconnectMsMax: 2_000,
} as const;

const options = {
  "grpc.max_receive_message_length": limits.messageBytesMax,
  "grpc.keepalive_time_ms": limits.keepaliveMs,
  "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": limits.reconnectMsMax,
  "grpc.enable_http_proxy": 0,
  "grpc.service_config_disable_resolution": 1,
} as const;

type Method = keyof EtcdMethods;

const codec = new ProtobufCodec(schemaOfTable(etcdMessages), {
  ...proto3,
  scalars: { ...proto3.scalars, int64: number64 },
});
const coders = Object.fromEntries(
  Object.entries(etcdMethods).map(([name, { request, response }]) => [
    name,
    {
      encode: (message: object): Buffer => {
        const bytes = codec.encode(request, message);
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      },
      decode: (bytes: Buffer): unknown =>
        // The bytes without Buffer's own methods: values are handed out as they are.
        codec.decode(response, new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
    },
  ]),
) as unknown as {
  readonly [M in Method]: {
    readonly encode: (message: EtcdMethods[M]["request"]) => Buffer;
    readonly decode: (bytes: Buffer) => EtcdMethods[M]["response"];
  };
};

function credentialsOf(endpoint: string, tls: EtcdTls): ChannelCredentials {
  if (!endpoint.startsWith("https://")) return ChannelCredentials.createInsecure();
  const buffer = (bytes: Uint8Array | undefined): Buffer | null =>
    bytes === undefined ? null : Buffer.from(bytes);
  const host = hostOf(endpoint);
  return ChannelCredentials.createSsl(
    buffer(tls.ca),
    buffer(tls.key),
    buffer(tls.cert),
    isAddress(host)
      ? { checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate) }
      : {},
  );
}

const hostOf = (endpoint: string): string => new URL(endpoint).hostname.replace(/^\[|\]$/g, "");
const isAddress = (host: string): boolean => /^[\d.]+$|:/.test(host);

/**
 * TLS has no server names that are IP addresses, and Node refuses them. A made-up name stands there
 * for them, and the certificate is checked against the address all the same.
 */
const nameOptionsOf = (endpoint: string): ChannelOptions =>
  endpoint.startsWith("https://") && isAddress(hostOf(endpoint))
    ? { "grpc.ssl_target_name_override": "etcd" }
    : {};

const targetOf = (endpoint: string): string =>
  endpoint.startsWith("unix:") ? endpoint : new URL(endpoint).host;

/** etcd refuses a watch or a linearizable read with this mark when it has lost its leader. */
function requireLeader(): Metadata {
  const metadata = new Metadata();
  metadata.set("hasleader", "true");
  return metadata;
}

export class EtcdChannel {
  readonly #clients: readonly Client[];
  readonly #endpoints: readonly string[];
  /** Index of the endpoint in use: the first, until it fails. */
  #current = 0;

  readonly #clock: Clock;

  constructor({ endpoints, tls = {}, clock }: EtcdChannelOptions) {
    if (endpoints.length === 0) throw new StorageError("Unavailable", "no etcd endpoint is given");
    this.#endpoints = endpoints;
    this.#clock = clock;
    this.#clients = endpoints.map(
      (endpoint) =>
        new Client(targetOf(endpoint), credentialsOf(endpoint, tls), {
          ...options,
          ...nameOptionsOf(endpoint),
        }),
    );
  }

  /**
   * One request, one response. A read that finds its endpoint gone asks the next one; a write does
   * not, since nobody knows whether it was done.
   */
  async call<M extends Exclude<Method, "watch">>(
    method: M,
    request: EtcdMethods[M]["request"],
    {
      signal,
      isRead = false,
    }: { readonly signal?: AbortSignal | undefined; isRead?: boolean } = {},
  ): Promise<EtcdMethods[M]["response"]> {
    for (let attempt = 1; ; attempt++) {
      const index = this.#pick();
      try {
        return await this.#callOnce(index, { method, request, signal });
      } catch (error) {
        const isGone = error instanceof StorageError && error.reason === "Unavailable";
        if (isGone) this.#leave(index);
        if (!isGone || !isRead || attempt >= this.#clients.length) throw error;
      }
    }
  }

  openWatch(): ClientDuplexStream<
    EtcdMethods["watch"]["request"],
    EtcdMethods["watch"]["response"]
  > {
    const index = this.#pick();
    const { encode, decode } = coders.watch;
    const { path } = etcdMethods.watch;
    const stream = this.#client(index).makeBidiStreamRequest(
      path,
      encode,
      decode,
      requireLeader(),
      {},
    );
    stream.once("error", ({ code }: ServiceError) => {
      if (code === status.UNAVAILABLE) this.#leave(index);
    });
    return stream;
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #callOnce<M extends Method>(
    index: number,
    call: {
      readonly method: M;
      readonly request: EtcdMethods[M]["request"];
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<EtcdMethods[M]["response"]> {
    const { method, request, signal } = call;
    const { encode, decode } = coders[method];
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const ongoing = this.#client(index).makeUnaryRequest(
        etcdMethods[method].path,
        encode,
        decode,
        request,
        new Metadata(),
        { deadline: this.#clock.now() + limits.callMs },
        (error, response) => {
          signal?.removeEventListener("abort", cancel);
          if (error === null && response !== undefined) resolve(response);
          else if (signal?.aborted === true) reject(signal.reason as Error);
          else reject(storageErrorOf(`etcd ${method} at ${this.#endpoints[index]}`, error));
        },
      );
      const cancel = (): void => ongoing.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  #client(index: number): Client {
    const client = this.#clients[index];
    if (client === undefined) throw new StorageError("Unavailable", "no such etcd endpoint");
    return client;
  }

  /** The endpoint in use, or the first after it that is not known to be down. */
  #pick(): number {
    const count = this.#clients.length;
    for (let step = 0; step < count && count > 1; step++) {
      const index = (this.#current + step) % count;
      const state = this.#client(index).getChannel().getConnectivityState(true);
      if (state !== connectivityState.TRANSIENT_FAILURE) return index;
    }
    return this.#current;
  }

  #leave(index: number): void {
    if (this.#current === index) this.#current = (index + 1) % this.#clients.length;
  }
}
