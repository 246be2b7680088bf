import type { PolicyRule, Subject } from "../../../api/rbac/v1.ts";
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from "../../../api/rbac/v1.ts";

/** A default role, as the generated lists write it. */
export interface BootstrapRole {
  readonly name: string;
  /** Absent: a ClusterRole. */
  readonly namespace?: string;
  /** Roles that take these rules in: admin, edit, view. */
  readonly aggregateTo?: readonly string[];
  /** Its rules are those of the roles that aggregate to it. */
  readonly isAggregated?: boolean;
  readonly rules: readonly PolicyRule[];
}

export interface BootstrapBinding {
  readonly name: string;
  readonly namespace?: string;
  readonly role: string;
  /** "Group system:masters", "User x", "ServiceAccount kube-system x" */
  readonly subjects: readonly string[];
}

const words = (text: string): readonly string[] => (text === "" ? [] : text.split(" "));

/** Lists are words in one string; the core group is written "core". */
export const rule = (verbs: string, groups: string, resources: string, names = ""): PolicyRule => ({
  verbs: words(verbs),
  apiGroups: words(groups).map((group) => (group === "core" ? "" : group)),
  resources: words(resources),
  ...(names === "" ? {} : { resourceNames: words(names) }),
});

/** A rule about paths that are no resources. */
export const urls = (verbs: string, paths: string): PolicyRule => ({
  verbs: words(verbs),
  nonResourceURLs: words(paths),
});

const apiVersion = "rbac.authorization.k8s.io/v1";
const aggregateLabel = (to: string): string => `rbac.authorization.k8s.io/aggregate-to-${to}`;

/** Marks what the server may bring up to date by itself. */
export const autoupdateAnnotation = "rbac.authorization.kubernetes.io/autoupdate";

const metadata = ({ name, namespace, aggregateTo = [] }: BootstrapRole) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  annotations: { [autoupdateAnnotation]: "true" },
  labels: {
    "kubernetes.io/bootstrapping": "rbac-defaults",
    ...Object.fromEntries(aggregateTo.map((to) => [aggregateLabel(to), "true"])),
  },
});

/** The object of a default role, as clients see it. */
export const bootstrapRoleObject = (role: BootstrapRole): ClusterRole | Role => ({
  apiVersion,
  kind: role.namespace === undefined ? "ClusterRole" : "Role",
  metadata: metadata(role),
  ...(role.isAggregated === true
    ? {
        aggregationRule: {
          clusterRoleSelectors: [{ matchLabels: { [aggregateLabel(role.name)]: "true" } }],
        },
      }
    : { rules: role.rules }),
});

export const bootstrapBindingObject = (
  binding: BootstrapBinding,
): ClusterRoleBinding | RoleBinding => ({
  apiVersion,
  kind: binding.namespace === undefined ? "ClusterRoleBinding" : "RoleBinding",
  metadata: metadata({ ...binding, rules: [] }),
  ...(binding.subjects.length === 0 ? {} : { subjects: binding.subjects.map(subjectOf) }),
  roleRef: {
    apiGroup: "rbac.authorization.k8s.io",
    kind: binding.namespace === undefined ? "ClusterRole" : "Role",
    name: binding.role,
  },
});

function subjectOf(text: string): Subject {
  const [kind = "", ...rest] = text.split(" ");
  const [first = "", second] = rest;
  return second === undefined
    ? { apiGroup: "rbac.authorization.k8s.io", kind, name: first }
    : { kind, namespace: first, name: second };
}
