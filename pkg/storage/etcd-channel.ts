/**
 * The one door to etcd: typed calls over gRPC, to whichever endpoint answers. What a call throws
 * is a StorageError, or the caller's own abort.
 */
import { etcdMessages, etcdMethods, type EtcdMethods } from "../../api/etcd/v3.ts";
import type { Clock } from "../base/clock.ts";
import { ProtobufCodec } from "../machinery/protobuf.ts";
import { number64, proto3 } from "../machinery/protobuf-scalars.ts";
import { schemaOfTable } from "../machinery/schema.ts";
import { storageErrorOf } from "./etcd-errors.ts";
import { GrpcConnection, type GrpcTls, type OngoingCall } from "./grpc/connection.ts";
import { GrpcError, statusCodes } from "./grpc/grpc-status.ts";
import type { CallHandler } from "./grpc/stream.ts";
import { StorageError } from "./storage.ts";

/** PEM of the authorities, and of the client's certificate and key, both or none. */
export type EtcdTls = GrpcTls;

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
} as const;

type Method = keyof EtcdMethods;
type Unary = Exclude<Method, "watch">;

const codec = new ProtobufCodec(schemaOfTable(etcdMessages), {
  ...proto3,
  scalars: { ...proto3.scalars, int64: number64 },
});

const encode = <M extends Method>(method: M, request: EtcdMethods[M]["request"]): Uint8Array =>
  codec.encode(etcdMethods[method].request, request);
const decode = <M extends Method>(method: M, bytes: Uint8Array): EtcdMethods[M]["response"] =>
  codec.decode(etcdMethods[method].response, bytes);

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly isRead?: boolean;
}

interface Pending {
  readonly until: number;
  readonly ongoing: OngoingCall;
}

export class EtcdChannel {
  readonly #connections: readonly GrpcConnection[];
  readonly #endpoints: readonly string[];
  readonly #clock: Clock;
  /** Index of the endpoint in use: the first, until it fails. */
  #current = 0;
  /** Calls without an answer, oldest first: one alarm watches over all of them. */
  readonly #pending = new Set<Pending>();
  #alarm: Disposable | undefined;

  constructor({ endpoints, tls = {}, clock }: EtcdChannelOptions) {
    if (endpoints.length === 0) throw new StorageError("Unavailable", "no etcd endpoint is given");
    this.#endpoints = endpoints;
    this.#clock = clock;
    const { messageBytesMax } = limits;
    this.#connections = endpoints.map(
      (endpoint) => new GrpcConnection({ endpoint, tls, clock, messageBytesMax }),
    );
  }

  /**
   * One request, one response. A read that finds its endpoint gone asks the next one; a write does
   * so only where it was certainly not done.
   */
  async call<M extends Unary>(
    method: M,
    request: EtcdMethods[M]["request"],
    { signal, isRead = false }: CallOptions = {},
  ): Promise<EtcdMethods[M]["response"]> {
    for (let attempt = 1; ; attempt++) {
      const index = this.#pick();
      try {
        return await this.#callOnce(index, { method, request, signal });
      } catch (error) {
        if (!(error instanceof StorageError) || error.reason !== "Unavailable") throw error;
        this.#leave(index);
        const isRepeatable = isRead || error.isUndone;
        if (!isRepeatable || attempt >= this.#connections.length) throw error;
      }
    }
  }

  /** Responses as they come, until the signal aborts or the watch breaks. */
  async *watch(
    request: EtcdMethods["watch"]["request"],
    signal: AbortSignal,
  ): AsyncIterable<EtcdMethods["watch"]["response"]> {
    const index = this.#pick();
    let wake: (() => void) | undefined;
    let ended: GrpcError | "normally" | undefined;
    let messages: Uint8Array[] = [];
    // etcd refuses a watch with this mark when it has lost its leader.
    const metadata = [["hasleader", "true"]] as const;
    const handler: CallHandler = {
      onMessage: (message) => {
        messages.push(message);
        wake?.();
      },
      onEnd: (error) => {
        ended = error ?? "normally";
        wake?.();
      },
    };
    const call = { path: etcdMethods.watch.path, metadata, staysOpen: true };
    const ongoing = this.#at(index).call(call, encode("watch", request), handler);
    const cancel = (): void => ongoing.cancel(cancelled);
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    try {
      while (!signal.aborted) {
        const come = messages;
        messages = [];
        for (const message of come) yield decode("watch", message);
        if (messages.length > 0) continue;
        if (ended !== undefined) break;
        await new Promise<void>((resolve) => (wake = resolve));
      }
      signal.throwIfAborted();
      if (ended instanceof GrpcError) throw this.#failure(index, "watch", ended);
    } finally {
      signal.removeEventListener("abort", cancel);
      ongoing.cancel(cancelled);
    }
  }

  close(): void {
    this.#alarm?.[Symbol.dispose]();
    for (const connection of this.#connections) connection.close();
  }

  #callOnce<M extends Unary>(
    index: number,
    call: {
      readonly method: M;
      readonly request: EtcdMethods[M]["request"];
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<EtcdMethods[M]["response"]> {
    const { method, request, signal } = call;
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      let answer: Uint8Array | undefined;
      const onEnd = (error: GrpcError | undefined): void => {
        signal?.removeEventListener("abort", cancel);
        this.#pending.delete(pending);
        if (signal?.aborted === true) return reject(signal.reason as Error);
        if (error !== undefined) return reject(this.#failure(index, method, error));
        try {
          // Without a message nothing is known: an empty one would say that a write met a conflict.
          if (answer === undefined) throw new GrpcError(statusCodes.internal, "no message came");
          resolve(decode(method, answer));
        } catch (cause) {
          reject(new StorageError("Unavailable", `etcd ${method}: its answer`, { cause }));
        }
      };
      const message = encode(method, request);
      const handler: CallHandler = { onMessage: (bytes) => (answer = bytes), onEnd };
      const ongoing = this.#at(index).call({ path: etcdMethods[method].path }, message, handler);
      const pending = { until: this.#clock.monotonic() + limits.callMs, ongoing };
      const cancel = (): void => ongoing.cancel(cancelled);
      this.#watchOver(pending);
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  #watchOver(pending: Pending): void {
    this.#pending.add(pending);
    this.#alarm ??= this.#clock.after(limits.callMs, () => this.#endOverdue());
  }

  #endOverdue(): void {
    this.#alarm = undefined;
    const now = this.#clock.monotonic();
    const error = new GrpcError(statusCodes.deadlineExceeded, `no answer in ${limits.callMs} ms`);
    for (const { until, ongoing } of this.#pending) {
      if (until > now) {
        this.#alarm = this.#clock.after(until - now, () => this.#endOverdue());
        return;
      }
      ongoing.cancel(error);
    }
  }

  #failure(index: number, method: Method, error: GrpcError): StorageError {
    if (method === "watch" && error.code === statusCodes.unavailable) this.#leave(index);
    return storageErrorOf(`etcd ${method} at ${this.#endpoints[index]}`, error);
  }

  #at(index: number): GrpcConnection {
    const connection = this.#connections[index];
    if (connection === undefined) throw new StorageError("Unavailable", "no such etcd endpoint");
    return connection;
  }

  /** The endpoint in use, or the first after it that is not known to be down. */
  #pick(): number {
    const count = this.#connections.length;
    for (let step = 0; step < count; step++) {
      const index = (this.#current + step) % count;
      if (!this.#at(index).isDown) return index;
    }
    return this.#current;
  }

  #leave(index: number): void {
    if (this.#current === index) this.#current = (index + 1) % this.#connections.length;
  }
}

const cancelled = new GrpcError(statusCodes.cancelled, "the caller left");
