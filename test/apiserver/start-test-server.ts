/** An API server on MemoryStorage, called directly: what tests and the kubectl harness share. */
import type { Clock } from "../../pkg/base/clock.ts";
import { seededRandom } from "../../pkg/base/random.ts";
import type { WireBody } from "../../pkg/base/wire.ts";
import { isStream } from "../../pkg/base/wire.ts";
import type { AdmissionPlugin } from "../../pkg/apiserver/admission/admission.ts";
import { defaultAdmission } from "../../pkg/apiserver/admission/default-admission.ts";
import { mastersGroup } from "../../pkg/apiserver/auth-contract.ts";
import { type ApiServer, createApiServer } from "../../pkg/apiserver/create-api-server.ts";
import { createStores, type Stores } from "../../pkg/apiserver/create-stores.ts";
import type { Resource } from "../../pkg/apiserver/resource.ts";
import { MemoryStorage } from "../../pkg/storage/memory.ts";
import type { Storage } from "../../pkg/storage/storage.ts";
import { Metrics } from "../../pkg/telemetry/metrics.ts";
import { silentLogger } from "../../pkg/telemetry/logger.ts";
import { smallKinds } from "./small-kinds.ts";

export interface TestServer {
  readonly api: ApiServer;
  readonly stores: Stores;
  readonly storage: Storage;
  call(method: string, path: string, body?: unknown, headers?: Headers): Promise<Answer>;
  stop(): void;
}
type Headers = Readonly<Record<string, string>>;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: unknown;
}

export interface TestServerOptions {
  readonly clock: Clock;
  readonly resources?: readonly Resource[];
  readonly admission?: readonly AdmissionPlugin[];
  /** Absent: memory. Whoever gives one, closes it. */
  readonly storage?: Storage;
}

export async function startTestServer(options: TestServerOptions): Promise<TestServer> {
  const { clock } = options;
  const storage = options.storage ?? new MemoryStorage(clock);
  const stores = createStores({
    storage,
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    resources: options.resources ?? smallKinds,
    admission: options.admission ?? defaultAdmission,
  });
  const api = createApiServer({
    stores,
    reviews: [],
    authenticate: async () => ({ name: "admin", uid: "", groups: [mastersGroup], extra: {} }),
    authorize: async () => ({ allowed: true, reason: "" }),
    clock,
    logger: silentLogger,
    gitVersion: "v1.37.0",
    metrics: new Metrics(),
    advertiseAddress: "10.0.0.1:6443",
  });
  const stop = new AbortController();
  const running = api.run(stop.signal);
  await Promise.race([api.ready(), running]);
  return {
    api,
    stores,
    storage,
    stop: () => stop.abort(),
    call: (method, path, body, headers) => call(api, { method, path, body, headers }),
  };
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers: Headers | undefined;
}

async function call(api: ApiServer, { method, path, body, headers = {} }: Call): Promise<Answer> {
  const bytes =
    body === undefined
      ? undefined
      : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const response = await api.handler({
    method,
    path,
    headers: { "content-type": "application/json", ...headers },
    ...(bytes === undefined ? {} : { body: bytes }),
    peer: { address: "127.0.0.1" },
    signal: new AbortController().signal,
  });
  const text = Buffer.concat(await collect(response.body)).toString();
  const isJson = (response.headers["content-type"] ?? "").startsWith("application/json");
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson ? parse(text) : undefined,
  };
}

/** A watch's body is one JSON value a line. */
const parse = (text: string): unknown =>
  text.startsWith('{"type":')
    ? text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as unknown)
    : JSON.parse(text);

export async function collect(body: WireBody): Promise<readonly Uint8Array[]> {
  if (body instanceof Uint8Array) return [body];
  if (!isStream(body)) return body;
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return pieces;
}
