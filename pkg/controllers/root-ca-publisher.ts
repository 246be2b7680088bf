import type { Namespace } from "../../api/core/v1.ts";
import { configMaps, namespaces } from "../../api/resources.ts";
import { done, reads, type Program } from "../controller/controller.ts";
import { defineController } from "../controller/run-controller.ts";
import { isReason } from "../machinery/status-error.ts";
import { isSemanticallyEqual } from "../machinery/equality.ts";
import { isEnding, isOfEndingNamespace } from "./service-account.ts";

const name = "kube-root-ca.crt";
const annotations = {
  "kubernetes.io/description":
    "The certificate authority of the Kubernetes API server, for clients inside the cluster; " +
    "do not use it to verify anything else.",
};

/** Keeps the authority of the API server (PEM) in every namespace, for pods to mount. */
export const rootCaPublisher = (rootCa: string): Program =>
  defineController<Namespace>({
    name: "root-ca-publisher",
    account: "root-ca-cert-publisher",
    eventSource: "root-ca-cert-publisher",
    reconciles: namespaces,
    reads: [
      {
        ...reads(configMaps, ({ metadata }) =>
          metadata?.name === name ? [metadata.namespace ?? ""] : [],
        ),
        fieldSelector: `metadata.name=${name}`,
      },
    ],
    writes: ["ConfigMap"],
    async reconcile(namespace, context, signal) {
      const where = namespace.metadata?.name ?? "";
      const present = context.informer(configMaps).get(`${where}/${name}`);
      const data = { "ca.crt": rootCa };
      if (isEnding(namespace) || isSemanticallyEqual(present?.data, data)) return done;
      const api = context.client.resource(configMaps);
      const metadata = { ...present?.metadata, name, namespace: where, annotations };
      const wanted = { ...present, metadata, data };
      const written =
        present === undefined ? api.create(wanted, {}, signal) : api.update(wanted, {}, signal);
      await written.catch((error: unknown) => {
        if (!isReason(error, "AlreadyExists") && !isOfEndingNamespace(error)) throw error;
      });
      return done;
    },
  });
