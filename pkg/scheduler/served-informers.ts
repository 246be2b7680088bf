import type { APIResourceList } from "../../api/meta/v1.ts";
import { apiVersionOf, type KubeObject, type ResourceRef } from "../../api/resource.ts";
import type { Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";
import type { Client, Informer, Informers } from "../client/client.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Logger } from "../telemetry/logger.ts";

const retryMs = 1_000;

export interface ServedInformers {
  /** Undefined: the server does not have the kind, and so nobody can have made one. */
  readonly get: <T extends KubeObject>(ref: ResourceRef<T>) => Informer<T> | undefined;
  readonly synced: Promise<unknown>;
}

interface Doors {
  readonly client: Client;
  readonly informers: Informers;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Informers of those kinds that the server serves: servers of other versions, and smaller ones,
 * lack some that scheduling only uses where they are. Rejects when the signal aborts first.
 */
export async function servedInformers(
  doors: Doors,
  refs: readonly ResourceRef[],
  signal: AbortSignal,
): Promise<ServedInformers> {
  const versions = [...new Set(refs.map(apiVersionOf))];
  const answers = await Promise.all(versions.map((one) => pluralsOf(doors, one, signal)));
  const served = new Map(versions.map((version, index) => [version, answers[index]]));
  const isServed = (ref: ResourceRef): boolean =>
    served.get(apiVersionOf(ref))?.has(ref.plural) === true;
  const { informers } = doors;
  return {
    get: (ref) => (isServed(ref) ? informers.informer(ref) : undefined),
    synced: Promise.all(refs.filter(isServed).map((ref) => informers.informer(ref).synced)),
  };
}

async function pluralsOf(
  { client, clock, logger }: Doors,
  apiVersion: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const path = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  for (;;) {
    try {
      const bytes = await client.raw("GET", path, undefined, signal);
      const list = JSON.parse(new TextDecoder().decode(bytes)) as APIResourceList;
      return new Set(list.resources.map(({ name }) => name));
    } catch (error) {
      signal.throwIfAborted();
      if (isReason(error, "NotFound")) return new Set();
      logger.warn({ apiVersion, error: chainOf(error) }, "discovery failed, will try again");
      await clock.sleep(retryMs, signal);
    }
  }
}
