import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, it } from "vitest";
import { criMessages, criMethods, type CriService } from "../../../api/cri/v1.ts";
import { systemClock } from "../../base/system-clock.ts";
import { ProtobufCodec } from "../../machinery/protobuf.ts";
import { proto3 } from "../../machinery/protobuf-scalars.ts";
import { schemaOfTable } from "../../machinery/schema.ts";
import { SimulatedClock } from "../../sim/simulated-clock.ts";
import { FakeRuntime } from "../testing/fake-runtime.ts";
import { connectCri, CriError, type CriConnection } from "./cri-client.ts";

/** The fake runtime behind a real gRPC server, so that real bytes travel. */
function serve(cri: CriService, socket: string): Promise<Server> {
  const codec = new ProtobufCodec(schemaOfTable(criMessages), proto3);
  const server = new Server();
  type Method = (message: object, signal: AbortSignal) => unknown;
  for (const { path, name, request, response, streams } of criMethods) {
    const [, , method = ""] = path.split("/");
    const definition = {
      path,
      requestStream: false,
      responseStream: streams,
      requestSerialize: (value: object) => Buffer.from(codec.encode(request, value)),
      requestDeserialize: (bytes: Buffer) => codec.decode<object>(request, bytes),
      responseSerialize: (value: object) => Buffer.from(codec.encode(response, value)),
      responseDeserialize: (bytes: Buffer) => codec.decode<object>(response, bytes),
      originalName: name,
    };
    const run = (cri as unknown as Record<string, Method>)[name];
    const unary = (call: { request: object }, done: (...args: unknown[]) => void): void => {
      Promise.resolve(run?.(call.request, new AbortController().signal)).then(
        (answer) => done(null, answer),
        (error: Error) => done({ code: 5, details: error.message }),
      );
    };
    const stream = async (call: ServerWritableStream<object, object>): Promise<void> => {
      const gone = new AbortController();
      call.on("cancelled", () => gone.abort());
      const answers = run?.(call.request, gone.signal) as AsyncIterable<object>;
      for await (const answer of answers) call.write(answer);
      call.end();
    };
    const handler = (streams ? stream : unary) as unknown as UntypedHandleCall;
    server.addService({ [method]: definition } as never, { [method]: handler });
  }
  return new Promise((resolve, reject) =>
    server.bindAsync(`unix:${socket}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve(server) : reject(error),
    ),
  );
}

describe("the CRI over gRPC", () => {
  let folder = "";
  let server: Server;
  let connection: CriConnection;
  let runtime: FakeRuntime;
  const socket = (): string => join(folder, "cri.sock");

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "tskube-cri-"));
    runtime = new FakeRuntime({ clock: new SimulatedClock(), images: ["web:1"] });
    server = await serve(runtime.cri, socket());
    connection = connectCri(socket());
  });
  afterEach(() => {
    connection.close();
    server.forceShutdown();
    rmSync(folder, { recursive: true });
  });

  it("carries requests and answers whole", async () => {
    const { cri } = connection;
    const labels = { app: "web" };
    const { podSandboxId = "" } = await cri.runPodSandbox({
      config: { metadata: { name: "a", uid: "u", namespace: "d", attempt: 1 }, labels },
    });
    const { items } = await cri.listPodSandbox({ filter: { labelSelector: labels } });
    assert.equal(items?.[0]?.id, podSandboxId);
    assert.deepEqual(items?.[0]?.labels, labels);
    assert.equal(items?.[0]?.metadata?.attempt, 1);
    assert.equal(typeof items?.[0]?.createdAt, "bigint");
  });

  it("carries events as they happen, until its reader goes", async () => {
    const { cri } = connection;
    const stop = new AbortController();
    const events = cri.getContainerEvents({}, stop.signal)[Symbol.asyncIterator]();
    const first = events.next();
    const { podSandboxId = "" } = await cri.runPodSandbox({ config: { metadata: { uid: "u" } } });
    await cri.createContainer({ podSandboxId, config: { metadata: { name: "web" } } });
    assert.equal((await first).value?.podSandboxStatus?.metadata?.uid, "u");
    stop.abort();
    assert.equal((await events.next()).done, true);
  });

  it("rejects as the runtime does", async () => {
    await assert.rejects(
      connection.cri.containerStatus({ containerId: "none" }),
      (error) =>
        error instanceof CriError &&
        error.code === "NOT_FOUND" &&
        error.message === "no container none",
    );
  });

  it("comes back when the runtime does", async () => {
    await connection.cri.version({});
    server.forceShutdown();
    await assert.rejects(connection.cri.version({}), (error) => error instanceof CriError);
    server = await serve(runtime.cri, socket());
    let answer: string | undefined;
    while (answer === undefined)
      answer = await connection.cri.version({}).then(
        ({ runtimeName }) => runtimeName,
        () => systemClock.sleep(20).then(() => undefined),
      );
    assert.equal(answer, "fake");
  });
});
