import type { Endpoints, Service } from "../../../api/core/v1.ts";
import { endpoints, pods, services } from "../../../api/resources.ts";
import { splitKey } from "../../client/informer-store.ts";
import { done, made, reads } from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import { isReason } from "../../machinery/status-error.ts";
import { hasSelector, isSelectedBy, servicesOf } from "../service-pods.ts";
import { managedByLabel, planEndpoints } from "./plan.ts";

const serviceKey = ({ metadata }: Endpoints): readonly string[] =>
  metadata?.labels?.[managedByLabel] === undefined
    ? []
    : [`${metadata.namespace ?? ""}/${metadata.name ?? ""}`];

/** Keeps the Endpoints of every Service that has a selector, and deletes them with it. */
export const endpointsController = defineController<Service>({
  name: "endpoints",
  account: "endpoint-controller",
  eventSource: "endpoint-controller",
  reconciles: services,
  reads: [reads(pods, servicesOf), made(endpoints, serviceKey)],
  writes: ["Endpoints"],
  async reconcile(service, context, signal) {
    if (!hasSelector(service)) return done;
    const { namespace = "", name = "" } = service.metadata ?? {};
    const selected = context
      .informer(pods)
      .list(namespace)
      .filter((pod) => isSelectedBy(pod, service));
    const present = context.informer(endpoints).get(`${namespace}/${name}`);
    const change = planEndpoints(service, selected, present);
    const api = context.client.resource(endpoints);
    if (change.do === "create") await api.create(change.endpoints, {}, signal);
    if (change.do === "update") await api.update(change.endpoints, {}, signal);
    return done;
  },
  async gone(key, context, signal) {
    const present = context.informer(endpoints).get(key);
    if (present === undefined || serviceKey(present).length === 0) return;
    await context.client
      .resource(endpoints)
      .delete(withNamespace(key), {}, signal)
      .catch((error: unknown) => {
        if (!isReason(error, "NotFound")) throw error;
      });
  },
});

const withNamespace = (key: string) => ({ namespace: "", ...splitKey(key) });
