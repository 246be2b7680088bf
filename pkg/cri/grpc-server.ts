/** CRI on a unix socket. The only place that knows gRPC: codes are put on here. */
import { chmod, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import {
  Server,
  ServerCredentials,
  status,
  type handleServerStreamingCall,
  type handleUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { criMethods, type CriService } from "../../api/cri/v1.ts";
import type { RpcMethod } from "../../api/message.ts";
import { chainOf } from "../base/errors.ts";
import { criProtobuf } from "../machinery/cri-protobuf.ts";
import type { Logger } from "../telemetry/logger.ts";
import { CriError } from "./cri-error.ts";

/** Lists of many containers are large; containerd's own limit. */
const messageBytesMax = 16 * 1024 * 1024;

export interface CriServer {
  close(): Promise<void>;
}

/** Serves CRI on `socket`; one that a killed daemon left behind is replaced. */
export async function serveCri(
  service: CriService,
  socket: string,
  logger: Logger,
): Promise<CriServer> {
  const server = new Server({
    "grpc.max_receive_message_length": messageBytesMax,
    "grpc.max_send_message_length": messageBytesMax,
  });
  server.addService(definition(), implementation(service, logger));
  await mkdir(dirname(socket), { recursive: true, mode: 0o755 });
  await rm(socket, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    );
  });
  // Whoever may write here is root on this node.
  await chmod(socket, 0o600);
  return {
    close: async () => {
      await new Promise<void>((resolve) => {
        server.tryShutdown(() => resolve());
        // Event streams never end by themselves.
        server.forceShutdown();
      });
      await rm(socket, { force: true });
    },
  };
}

const definition = (): ServiceDefinition =>
  Object.fromEntries(
    criMethods.map((method) => [
      method.path,
      {
        path: method.path,
        requestStream: false,
        responseStream: method.streams,
        requestDeserialize: (bytes: Buffer): object => criProtobuf.decode(method.request, bytes),
        requestSerialize: (message: object): Buffer => encode(method.request, message),
        responseSerialize: (message: object): Buffer => encode(method.response, message),
        responseDeserialize: (bytes: Buffer): object => criProtobuf.decode(method.response, bytes),
      },
    ]),
  );

const encode = (key: string, message: object): Buffer => {
  const bytes = criProtobuf.encode(key, message);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
};

type Unary = (request: object, signal: AbortSignal) => Promise<object>;
type Streaming = (request: object, signal: AbortSignal) => AsyncIterable<object>;

const implementation = (service: CriService, logger: Logger): UntypedServiceImplementation =>
  Object.fromEntries(
    criMethods.map((method) => [
      method.path,
      method.streams
        ? stream(methodOf<Streaming>(service, method), method, logger)
        : unary(methodOf<Unary>(service, method), method, logger),
    ]),
  );

/** The table of methods and the interface are generated together, so that names always match. */
function methodOf<T>(service: CriService, { name }: RpcMethod): T {
  const found: unknown = Reflect.get(service, name);
  if (typeof found !== "function") throw new Error(`the CRI service has no ${name}`);
  return found.bind(service) as T;
}

const unary =
  (call: Unary, method: RpcMethod, logger: Logger): handleUnaryCall<object, object> =>
  (request, callback) => {
    const gone = new AbortController();
    request.on("cancelled", () => gone.abort());
    call(request.request, gone.signal).then(
      (response) => callback(null, response),
      (error: unknown) => callback(failure(error, method, logger)),
    );
  };

const stream =
  (call: Streaming, method: RpcMethod, logger: Logger): handleServerStreamingCall<object, object> =>
  (request) => {
    const gone = new AbortController();
    request.on("cancelled", () => gone.abort());
    const send = async (): Promise<void> => {
      for await (const message of call(request.request, gone.signal)) {
        if (!request.write(message)) await drained(request, gone.signal);
      }
      request.end();
    };
    send().catch((error: unknown) => request.emit("error", failure(error, method, logger)));
  };

const drained = async (
  sink: { once(event: "drain", listener: () => void): unknown },
  signal: AbortSignal,
): Promise<void> =>
  await new Promise((resolve) => {
    sink.once("drain", resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

/** The whole chain goes to the caller: the kubelet shows it in the pod's events. */
function failure(error: unknown, method: RpcMethod, logger: Logger) {
  const code = codeOf(error);
  const details = chainOf(error);
  const isOurs = code === status.UNKNOWN;
  const fields = { method: method.name, error: details };
  if (isOurs) logger.error(fields, "call failed");
  else logger.debug(fields, "call refused");
  return Object.assign(new Error(details), { code, details });
}

/** The innermost reason counts: outer layers only say what they were doing. */
function codeOf(error: unknown): status {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof CriError) return status[at.reason];
    if (at.name === "AbortError") return status.CANCELLED;
  }
  return status.UNKNOWN;
}
