/** Nothing new in a namespace that is missing or on its way out; some namespaces never go. */
import type { Namespace } from "../../../api/core/v1.ts";
import { namespaces } from "../../../api/resources.ts";
import { StatusError } from "../../machinery/status-error.ts";
import { forbiddenObject, notFound, qualified } from "../refusals.ts";
import type { Admission, AdmissionPlugin } from "./admission.ts";

/** The cluster cannot be without them. */
const immortal: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

const isLeaving = (namespace: Namespace): boolean =>
  namespace.metadata?.deletionTimestamp !== undefined || namespace.status?.phase === "Terminating";

/** The cache first; storage when it knows nothing, or knows that the namespace is leaving. */
async function find({ namespace, objects, signal }: Admission): Promise<Namespace | undefined> {
  const cached = objects.get(namespaces, { name: namespace });
  if (cached !== undefined && !isLeaving(cached)) return cached;
  return objects.read(namespaces, { name: namespace }, signal);
}

async function checkCreate(admission: Admission): Promise<void> {
  const { namespace: name, resource } = admission;
  if (name === "" || !resource.ref.namespaced) return;
  // Questions about a namespace may be asked while it is not there.
  if (resource.ref.plural === "localsubjectaccessreviews") return;
  const namespace = await find(admission);
  if (namespace === undefined) throw notFound(namespaces, name);
  if (isLeaving(namespace)) throw terminating(admission);
}

function terminating({ namespace, name, resource: { ref } }: Admission): StatusError {
  const why =
    `unable to create new content in namespace ${namespace} ` + "because it is being terminated";
  const refusal = forbiddenObject(ref, name, why);
  return new StatusError("Forbidden", refusal.message, {
    ...refusal.details,
    causes: [
      {
        reason: "NamespaceTerminating",
        message: `namespace ${namespace} is being terminated`,
        field: "metadata.namespace",
      },
    ],
  });
}

export const namespaceLifecycle: AdmissionPlugin = {
  name: "NamespaceLifecycle",
  verbs: ["create", "delete"],
  admit: async (admission) => {
    if (admission.verb === "create") await checkCreate(admission);
    return undefined;
  },
  validate: ({ verb, resource, name }) => {
    if (verb !== "delete" || qualified(resource.ref) !== "namespaces") return;
    if (immortal.has(name)) {
      throw forbiddenObject(namespaces, name, "this namespace may not be deleted");
    }
  },
};
