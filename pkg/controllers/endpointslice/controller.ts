import type { Service } from "../../../api/core/v1.ts";
import type { EndpointSlice } from "../../../api/discovery/v1.ts";
import { endpointSlices, nodes, pods, services } from "../../../api/resources.ts";
import { done, reads, type Context, type Result } from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import { isReason } from "../../machinery/status-error.ts";
import { hasSelector, isSelectedBy, servicesOf } from "../service-pods.ts";
import {
  managedBy,
  managedByLabel,
  planEndpointSlices,
  serviceNameLabel,
  type Change,
} from "./plan.ts";

/** Index of this controller's slices by the key of their Service. */
const serviceIndex = "service";
const serviceKeys = ({ metadata }: EndpointSlice): readonly string[] => {
  const name = metadata?.labels?.[serviceNameLabel];
  return name === undefined || metadata?.labels?.[managedByLabel] !== managedBy
    ? []
    : [`${metadata.namespace ?? ""}/${name}`];
};

/** Keeps the EndpointSlices of every Service that has a selector. */
export const endpointSliceController = defineController<Service>({
  name: "endpointslice",
  account: "endpointslice-controller",
  eventSource: "endpoint-slice-controller",
  reconciles: services,
  reads: [
    reads(pods, servicesOf),
    reads(endpointSlices, serviceKeys, { [serviceIndex]: serviceKeys }),
    reads(nodes),
  ],
  writes: ["EndpointSlice"],
  reconcile,
});

async function reconcile(service: Service, context: Context, signal: AbortSignal): Promise<Result> {
  if (!hasSelector(service) || service.metadata?.deletionTimestamp !== undefined) return done;
  const { namespace = "", name = "" } = service.metadata ?? {};
  const changes = planEndpointSlices(service, {
    pods: context
      .informer(pods)
      .list(namespace)
      .filter((pod) => isSelectedBy(pod, service)),
    node: (nodeName) => context.informer(nodes).get(nodeName),
    slices: context.informer(endpointSlices).byIndex(serviceIndex, `${namespace}/${name}`),
  });
  for (const change of changes) await apply(change, context, signal);
  return done;
}

async function apply(change: Change, { client }: Context, signal: AbortSignal): Promise<void> {
  const api = client.resource(endpointSlices);
  if (change.do === "create") await api.create(change.slice, {}, signal);
  else if (change.do === "update") await api.update(change.slice, {}, signal);
  else {
    const { namespace = "", name = "" } = change.slice.metadata ?? {};
    await api.delete({ namespace, name }, {}, signal).catch((error: unknown) => {
      if (!isReason(error, "NotFound")) throw error;
    });
  }
}
