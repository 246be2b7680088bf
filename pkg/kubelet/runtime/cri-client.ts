import { Client, credentials, status as GrpcStatus, type ServiceError } from "@grpc/grpc-js";
import { criMessages, criMethods, type CriService } from "../../../api/cri/v1.ts";
import type { RpcMethod } from "../../../api/message.ts";
import { ProtobufCodec } from "../../machinery/protobuf.ts";
import { proto3 } from "../../machinery/protobuf-scalars.ts";
import { schemaOfTable } from "../../machinery/schema.ts";

/** Messages larger than this are refused: a listing of a full node stays far below. */
const messageBytesMax = 16 * 1024 * 1024;

/** What the runtime answered in place of a result, with the gRPC code by name: "NOT_FOUND". */
export class CriError extends Error {
  override readonly name = "CriError";
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface CriConnection {
  readonly cri: CriService;
  close(): void;
}

/**
 * The runtime behind a unix socket, over gRPC. The connection is made when first used and made
 * again whenever it is lost; calls in the meantime reject with the code UNAVAILABLE. Every method
 * rejects with CriError, or with the signal's reason.
 */
export function connectCri(socketPath: string): CriConnection {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": messageBytesMax,
    "grpc.max_send_message_length": messageBytesMax,
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 2000,
    "grpc.enable_http_proxy": 0,
  });
  const codec = new ProtobufCodec(schemaOfTable(criMessages), proto3);
  const methods = criMethods.map((method) => [
    method.name,
    method.streams ? streaming(client, codec, method) : unary(client, codec, method),
  ]);
  return { cri: Object.fromEntries(methods) as CriService, close: () => client.close() };
}

const fail = (error: ServiceError): CriError =>
  new CriError(GrpcStatus[error.code] ?? "UNKNOWN", error.details);

const unary =
  (client: Client, codec: ProtobufCodec, { path, request, response }: RpcMethod) =>
  (message: object, signal?: AbortSignal): Promise<object> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error);
      const onAbort = (): void => call.cancel();
      const call = client.makeUnaryRequest<object, object>(
        path,
        (value) => Buffer.from(codec.encode(request, value)),
        (bytes) => codec.decode(response, bytes),
        message,
        (error, answer) => {
          signal?.removeEventListener("abort", onAbort);
          if (error !== null) reject(signal?.aborted === true ? signal.reason : fail(error));
          else resolve(answer ?? {});
        },
      );
      signal?.addEventListener("abort", onAbort, { once: true });
    });

const streaming = (client: Client, codec: ProtobufCodec, { path, request, response }: RpcMethod) =>
  async function* (message: object, signal?: AbortSignal): AsyncGenerator<object> {
    const call = client.makeServerStreamRequest<object, object>(
      path,
      (value) => Buffer.from(codec.encode(request, value)),
      (bytes) => codec.decode(response, bytes),
      message,
    );
    const onAbort = (): void => call.cancel();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      for await (const answer of call) yield answer as object;
    } catch (error) {
      if (signal?.aborted !== true) throw fail(error as ServiceError);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      call.cancel();
    }
  };
