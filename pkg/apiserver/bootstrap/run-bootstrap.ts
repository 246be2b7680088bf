/** Writes the system's own objects, the way of every other write, and keeps them right. */
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import {
  endpoints,
  endpointSlices,
  namespaces,
  priorityClasses,
  services,
} from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import { chainOf } from "../../base/errors.ts";
import { isReason } from "../../machinery/status-error.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { mastersGroup, type UserInfo } from "../auth-contract.ts";
import type { Stores } from "../create-stores.ts";
import { systemPriorityClasses } from "../kinds/priority-class.ts";
import { createObject } from "../store/create.ts";
import type { ResourceStore } from "../store/resource-store.ts";
import { objectMode, updateObject } from "../store/update.ts";
import type { WriteContext } from "../store/write-context.ts";
import {
  type Advertised,
  kubernetesEndpoints,
  kubernetesService,
  kubernetesSlice,
  namespaceObject,
  systemNamespaces,
} from "./system-objects.ts";

const everyMs = 10_000;

/** This server, as the writer of its own objects. */
const self: UserInfo = { name: "system:apiserver", uid: "", groups: [mastersGroup], extra: {} };

export interface BootstrapParts {
  readonly stores: Stores;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Undefined: pods have no way to this server, and none is written down. */
  readonly advertised: Advertised | undefined;
  /** Called after the first success. */
  readonly onDone: () => void;
}

/** Level-triggered: looks every few seconds whether something is missing, until the signal. */
export async function runBootstrap(parts: BootstrapParts, signal: AbortSignal): Promise<void> {
  await parts.stores.feed.synced;
  while (!signal.aborted) {
    try {
      await ensureSystemObjects(parts, signal);
      parts.onDone();
    } catch (error) {
      if (signal.aborted) return;
      parts.logger.warn({ error: chainOf(error) }, "writing the system's own objects failed");
    }
    await parts.clock.sleep(everyMs, signal).catch(() => undefined);
  }
}

export async function ensureSystemObjects(
  { stores, advertised }: BootstrapParts,
  signal: AbortSignal,
): Promise<void> {
  for (const name of systemNamespaces) {
    await ensure(stores, [namespaces, namespaceObject(name)], signal);
  }
  for (const one of systemPriorityClasses) await ensure(stores, [priorityClasses, one], signal);
  if (advertised === undefined) return;
  const address = stores.firstServiceAddress;
  await ensure(stores, [services, kubernetesService(address, advertised)], signal);
  await ensure(stores, [endpoints, kubernetesEndpoints(advertised), "subsets"], signal);
  await ensure(stores, [endpointSlices, kubernetesSlice(advertised), "endpoints"], signal);
}

/** Creates what is missing; where `field` is named, puts it right in what is there. */
async function ensure(
  stores: Stores,
  [ref, object, field]: readonly [ResourceRef, KubeObject, string?],
  signal: AbortSignal,
): Promise<void> {
  const store = stores.find(ref);
  if (store === undefined) return;
  const { namespace = "", name = "" } = object.metadata ?? {};
  const fieldManager = { name: "apiserver", isNamed: false };
  const context: WriteContext = { user: self, dryRun: false, fieldManager, signal };
  const defaulted = store.resource.defaults?.(object) ?? object;
  if (store.cache.get(store.codec.keyOf(namespace, name)) === undefined) {
    await create(store, defaulted, namespace, context);
  }
  if (field === undefined) return;
  const value = (defaulted as Readonly<Record<string, unknown>>)[field];
  const wanted = (current: KubeObject): KubeObject =>
    ({ ...current, [field]: value }) as KubeObject;
  await updateObject(store, { namespace, name, mode: objectMode, wanted }, context);
}

async function create(
  store: ResourceStore,
  object: KubeObject,
  namespace: string,
  context: WriteContext,
): Promise<void> {
  try {
    await createObject(store, object, namespace, context);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
