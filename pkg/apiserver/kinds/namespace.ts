import type { Namespace } from "../../../api/core/v1.ts";
import { namespaces as ref } from "../../../api/resources.ts";
import { invalid, type FieldError } from "../../machinery/field-error.ts";
import { qualifiedNameComplaints } from "../../machinery/names.ts";
import type { Resource } from "../resource.ts";
import { over, fill } from "./absent.ts";
import { ageColumn, nameColumn, textColumn } from "./columns.ts";

/** What keeps a Namespace until everything in it is gone. */
const kubernetesFinalizer = "kubernetes";
const nameLabel = "kubernetes.io/metadata.name";

/** Every Namespace carries its own name as a label, so that selectors can name one. */
function labelled(namespace: Namespace): Namespace {
  const { name = "", labels } = namespace.metadata ?? {};
  if (name === "" || labels?.[nameLabel] === name) return namespace;
  const metadata = { ...namespace.metadata, labels: { ...labels, [nameLabel]: name } };
  return { ...namespace, metadata };
}

function validateFinalizers(finalizers: readonly string[]): readonly FieldError[] {
  const path = "spec.finalizers";
  return finalizers.flatMap((finalizer) => {
    const complaints = qualifiedNameComplaints(finalizer).map((why) =>
      invalid(path, finalizer, why),
    );
    if (finalizer.includes("/") || finalizer === kubernetesFinalizer) return complaints;
    const why = "name is neither a standard finalizer name nor is it fully qualified";
    return [...complaints, invalid(path, finalizer, why)];
  });
}

function validatePhase(namespace: Namespace): readonly FieldError[] {
  const isLeaving = namespace.metadata?.deletionTimestamp !== undefined;
  const wanted = isLeaving ? "Terminating" : "Active";
  const phase = namespace.status?.phase ?? "";
  if (phase === wanted) return [];
  const state = isLeaving ? "not empty" : "empty";
  const why = `may only be '${wanted}' if \`deletionTimestamp\` is ${state}`;
  return [invalid("status.Phase", phase, why)];
}

export const namespaces: Resource<Namespace> = {
  ref,
  storagePrefix: "/registry/namespaces",
  nameRule: "dns-label",
  columns: [nameColumn, textColumn("Status", ({ status }) => status?.phase ?? ""), ageColumn],
  fieldLabels: { "status.phase": ({ status }) => status?.phase ?? "" },
  defaults: (namespace) =>
    labelled(over(namespace, "status", (status) => fill(status, { phase: "Active" }))),
  prepareForCreate(namespace) {
    const finalizers = namespace.spec?.finalizers ?? [];
    const kept = finalizers.includes(kubernetesFinalizer)
      ? finalizers
      : [...finalizers, kubernetesFinalizer];
    // The name may have been generated after defaulting.
    return labelled({ ...namespace, spec: { finalizers: kept }, status: { phase: "Active" } });
  },
  // Finalizers go through /finalize, and the status through /status.
  prepareForUpdate: (namespace, before) => ({
    ...namespace,
    spec: before.spec ?? {},
    status: before.status ?? {},
  }),
  validate: (namespace, before) =>
    before === undefined ? validateFinalizers(namespace.spec?.finalizers ?? []) : [],
  status: {
    validate: validatePhase,
  },
  deletion: {
    isPending: ({ spec }) => (spec?.finalizers?.length ?? 0) > 0,
    marked: (namespace) => ({
      ...namespace,
      status: { ...namespace.status, phase: "Terminating" },
    }),
  },
};
