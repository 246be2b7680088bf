import type { Clock } from "../base/clock.ts";
import type { Client } from "../client/client.ts";
import type { ClusterAccess } from "../client/cluster-access.ts";
import { connect } from "../client/connect.ts";
import { httpsTransport } from "../client/https-transport.ts";
import { chooseContext, readKubeconfigs } from "../client/kubeconfig.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Wanted } from "./cluster-objects.ts";

export type OpenClient = Client & Disposable;

/** A client that is closed when it is disposed of. */
export function openClient(access: ClusterAccess, clock: Clock): OpenClient {
  const transport = httpsTransport(access, clock);
  const client = connect(transport.send, { clock, userAgent: "tsadm" });
  return {
    resource: (ref) => client.resource(ref),
    raw: (method, path, body, signal) => client.raw(method, path, body, signal),
    [Symbol.dispose]: () => transport.close(),
  };
}

/** As a kubeconfig file says. Throws where it cannot be read. */
export async function clientOf(kubeconfig: string, clock: Clock): Promise<OpenClient> {
  return openClient(chooseContext(await readKubeconfigs([kubeconfig]), clock).access, clock);
}

/** Makes the object be there with what is wanted; fields that others added stay. */
export async function ensureObject(
  client: Client,
  { ref, object }: Wanted,
  signal: AbortSignal,
): Promise<void> {
  const api = client.resource(ref);
  const { namespace, name = "" } = object.metadata ?? {};
  try {
    await api.create(object, {}, signal);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
    const key = namespace === undefined ? { name } : { namespace, name };
    await api.patch(key, { type: "merge", body: object }, {}, signal);
  }
}

export async function ensureObjects(
  client: Client,
  all: readonly Wanted[],
  signal: AbortSignal,
): Promise<void> {
  for (const wanted of all) {
    await ensureObject(client, wanted, signal).catch((cause: unknown) => {
      const { namespace, name } = wanted.object.metadata ?? {};
      const place = namespace === undefined ? name : `${namespace}/${name}`;
      throw new Error(`write ${wanted.ref.kind} ${place}`, { cause });
    });
  }
}

/**
 * What time the server says it is, milliseconds since the epoch; undefined where it does not say.
 */
export async function serverTimeMs(
  access: ClusterAccess,
  clock: Clock,
  signal: AbortSignal,
): Promise<number | undefined> {
  const transport = httpsTransport(access, clock);
  try {
    const { headers } = await transport.send({
      method: "GET",
      path: "/version",
      headers: {},
      body: new Uint8Array(),
      signal,
    });
    const ms = Date.parse(headers["date"] ?? "");
    return Number.isNaN(ms) ? undefined : ms;
  } finally {
    transport.close();
  }
}
