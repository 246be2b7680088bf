import type { Namespace } from "../../../api/core/v1.ts";
import type { KubeObject, ResourceRef } from "../../../api/resource.ts";
import { namespaces, pods } from "../../../api/resources.ts";
import { chainOf } from "../../base/errors.ts";
import type { Client } from "../../client/client.ts";
import { discover, hasVerbs } from "../../client/discovery.ts";
import {
  done,
  reads,
  requeueAfter,
  type Context,
  type Result,
} from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import { isReason } from "../../machinery/status-error.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { isEmpty, terminatingStatus, type Sweep, type Swept } from "./plan.ts";

/** The finalizer in spec.finalizers that is this controller's to remove. */
const finalizer = "kubernetes";
/** How long to wait before looking again at kinds of which no change wakes this controller. */
const lookAgainMs = 1_000;
/** Objects of one kind looked at in one request. */
const pageItems = 500;

/** Empties namespaces that are being deleted, and lets them go when nothing is left. */
export const namespaceController = defineController<Namespace>({
  name: "namespace",
  account: "namespace-controller",
  eventSource: "namespace-controller",
  reconciles: namespaces,
  reads: [
    reads(pods, ({ metadata }, lookup) => {
      const name = metadata?.namespace ?? "";
      const namespace = lookup.informer(namespaces).get(name);
      return namespace?.metadata?.deletionTimestamp === undefined ? [] : [name];
    }),
  ],
  writes: ["Namespace/status", "Namespace/finalize"],
  reconcile,
});

async function reconcile(
  namespace: Namespace,
  context: Context,
  signal: AbortSignal,
): Promise<Result> {
  const finalizers = namespace.spec?.finalizers ?? [];
  if (namespace.metadata?.deletionTimestamp === undefined) return done;
  if (!finalizers.includes(finalizer)) return done;
  const name = namespace.metadata.name ?? "";
  const sweep = await sweepNamespace(name, context.client, signal);
  const status = terminatingStatus(namespace, sweep, context.clock.now());
  const api = context.client.resource(namespaces);
  let current = namespace;
  if (!isSemanticallyEqual(namespace.status, status))
    current = await api.update({ ...namespace, status }, { subresource: "status" }, signal);
  if (!isEmpty(sweep)) return requeueAfter(lookAgainMs);
  const left = finalizers.filter((one) => one !== finalizer);
  const spec = { ...current.spec, finalizers: left };
  await api
    .update({ ...current, spec }, { subresource: "finalize" }, signal)
    .catch((error: unknown) => {
      if (!isReason(error, "NotFound")) throw error;
    });
  return done;
}

/** Pods first and alone: what protects the others (network policies) must outlive them. */
async function sweepNamespace(
  namespace: string,
  client: Client,
  signal: AbortSignal,
): Promise<Sweep> {
  const { resources, failures } = await discover(client, signal);
  const deletable = resources.filter(
    (ref) => ref.namespaced && hasVerbs(ref, "list", "delete") && ref.kind !== "Binding",
  );
  const isPods = (ref: ResourceRef): boolean => ref.group === "" && ref.plural === "pods";
  const swept: Swept[] = [];
  for (const ref of deletable.filter(isPods))
    swept.push(await sweepKind(namespace, ref, client, signal));
  if (swept.every(({ remaining }) => remaining === 0))
    for (const ref of deletable.filter((one) => !isPods(one)))
      swept.push(await sweepKind(namespace, ref, client, signal));
  const failed = failures.map(({ groupVersion, error }) => `${groupVersion}: ${chainOf(error)}`);
  return { swept, ...(failed.length === 0 ? {} : { discoveryFailure: failed.join(", ") }) };
}

async function sweepKind(
  namespace: string,
  ref: ResourceRef,
  client: Client,
  signal: AbortSignal,
): Promise<Swept> {
  const resource = ref.group === "" ? ref.plural : `${ref.plural}.${ref.group}`;
  const api = client.resource(ref);
  try {
    const present = await everything(namespace, ref, client, signal);
    if (present.length === 0) return { resource, remaining: 0, finalizers: {} };
    const fresh = present.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const propagation = { propagationPolicy: "Background" } as const;
    if (fresh.length > 0 && hasVerbs(ref, "deletecollection"))
      await api.deleteCollection({ namespace, ...propagation }, signal);
    else
      for (const { metadata } of fresh)
        await api.delete({ namespace, name: metadata?.name ?? "" }, propagation, signal);
    const left = await everything(namespace, ref, client, signal);
    return { resource, remaining: left.length, finalizers: countFinalizers(left) };
  } catch (error) {
    // Deleted meanwhile, or the kind is no longer served: both are what is wanted.
    if (isReason(error, "NotFound", "MethodNotAllowed"))
      return { resource, remaining: 0, finalizers: {} };
    return { resource, remaining: 0, finalizers: {}, failure: chainOf(error) };
  }
}

async function everything(
  namespace: string,
  ref: ResourceRef,
  client: Client,
  signal: AbortSignal,
): Promise<readonly KubeObject[]> {
  const items: KubeObject[] = [];
  let token: { continue?: string } = {};
  do {
    const page = await client.resource(ref).list({ namespace, limit: pageItems, ...token }, signal);
    items.push(...page.items);
    token = page.continue === undefined ? {} : { continue: page.continue };
  } while (token.continue !== undefined);
  return items;
}

function countFinalizers(objects: readonly KubeObject[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { metadata } of objects)
    for (const name of metadata?.finalizers ?? []) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
