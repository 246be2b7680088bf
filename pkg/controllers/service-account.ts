import type { Namespace } from "../../api/core/v1.ts";
import { namespaces, serviceAccounts } from "../../api/resources.ts";
import { done, reads } from "../controller/controller.ts";
import { defineController } from "../controller/run-controller.ts";
import { isReason } from "../machinery/status-error.ts";

/** The account of pods that name none. */
const defaultName = "default";

export const isEnding = ({ metadata, status }: Namespace): boolean =>
  metadata?.deletionTimestamp !== undefined || status?.phase === "Terminating";

/** The namespace went away under our hands: nothing is missing in it any more. */
export const isOfEndingNamespace = (error: unknown): boolean =>
  isReason(error, "NotFound") ||
  (isReason(error, "Forbidden") &&
    (error.details.causes ?? []).some(({ reason }) => reason === "NamespaceTerminating"));

/** Keeps the ServiceAccount "default" in every namespace. */
export const serviceAccountController = defineController<Namespace>({
  name: "serviceaccount",
  account: "service-account-controller",
  eventSource: "service-account-controller",
  reconciles: namespaces,
  reads: [
    reads(serviceAccounts, ({ metadata }) =>
      metadata?.name === defaultName ? [metadata.namespace ?? ""] : [],
    ),
  ],
  writes: ["ServiceAccount"],
  async reconcile(namespace, context, signal) {
    const name = namespace.metadata?.name ?? "";
    const present = context.informer(serviceAccounts).get(`${name}/${defaultName}`);
    if (isEnding(namespace) || present !== undefined) return done;
    await context.client
      .resource(serviceAccounts)
      .create({ metadata: { name: defaultName, namespace: name } }, {}, signal)
      .catch((error: unknown) => {
        if (!isReason(error, "AlreadyExists") && !isOfEndingNamespace(error)) throw error;
      });
    return done;
  },
});
