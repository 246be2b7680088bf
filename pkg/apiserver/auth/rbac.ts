/**
 * Who is calling, and may they: authenticators, RBAC, ServiceAccount tokens and the reviews that
 * ask
 * about them. This room decides from what it is given (headers, certificates, the server's own
 * cache); it never stores anything and never opens a connection.
 *
 * Here: RBAC. Bindings are filed by the subject that they name, so that a request looks only at its
 * own; the files are made anew when a role or binding changes.
 */
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "../../../api/resources.ts";
import type { ClusterRoleBinding, PolicyRule, RoleBinding, Subject } from "../../../api/rbac/v1.ts";
import { mastersGroup, type Attributes, type Authorize, type UserInfo } from "../auth-contract.ts";
import type { Objects } from "../objects-contract.ts";
import { ruleAllows } from "./rbac-rule.ts";

type Binding = ClusterRoleBinding | RoleBinding;

/** A subject's bindings: those of the whole cluster, and those of each namespace. */
interface Filed {
  readonly cluster: Bound[];
  readonly namespaces: Map<string, Bound[]>;
}
interface Bound {
  readonly binding: Binding;
  readonly subject: Subject;
}

/** Answers questions about the rules that apply to a user. */
export interface Rbac {
  readonly authorize: Authorize;
  /** Every rule that applies to the user in the namespace ("": those of the whole cluster). */
  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[];
  /** The rules of the role that a binding in the namespace refers to; undefined: no such role. */
  rulesOfRole(kind: string, name: string, namespace: string): readonly PolicyRule[] | undefined;
}

const kinds = [clusterRoleBindings, roleBindings];

export function rbac(objects: Objects): Rbac {
  let filed = new Map<string, Filed>();
  let filedAt: readonly number[] = [];
  const files = (): ReadonlyMap<string, Filed> => {
    const now = kinds.map((kind) => objects.changes(kind));
    if (now.some((count, at) => count !== filedAt[at])) {
      filedAt = now;
      filed = fileBindings(objects);
    }
    return filed;
  };
  const rulesOfRole: Rbac["rulesOfRole"] = (kind, name, namespace) =>
    kind === "ClusterRole"
      ? rulesIfFound(objects.get(clusterRoles, { name }))
      : rulesIfFound(objects.get(roles, { namespace, name }));

  function* boundTo(user: UserInfo, namespace: string): Generator<Bound> {
    const byKey = files();
    const mine = keysOf(user).flatMap((key) => byKey.get(key) ?? []);
    for (const { cluster } of mine) yield* cluster;
    if (namespace === "") return;
    for (const { namespaces } of mine) yield* namespaces.get(namespace) ?? [];
  }
  const rulesOf = ({ binding: { roleRef, metadata } }: Bound): readonly PolicyRule[] =>
    rulesOfRole(roleRef.kind, roleRef.name, metadata?.namespace ?? "") ?? [];

  return {
    rulesOfRole,
    rulesFor: (user, namespace) => [...boundTo(user, namespace)].flatMap(rulesOf),
    authorize: (attributes) => Promise.resolve(decide(attributes, boundTo, rulesOf)),
  };
}

const rulesIfFound = (
  role: { readonly rules?: readonly PolicyRule[] } | undefined,
): readonly PolicyRule[] | undefined => (role === undefined ? undefined : (role.rules ?? []));

function decide(
  attributes: Attributes,
  boundTo: (user: UserInfo, namespace: string) => Iterable<Bound>,
  rulesOf: (bound: Bound) => readonly PolicyRule[],
): { readonly allowed: boolean; readonly reason: string } {
  for (const bound of boundTo(attributes.user, attributes.namespace)) {
    if (rulesOf(bound).some((rule) => ruleAllows(rule, attributes))) {
      return { allowed: true, reason: reasonOf(bound) };
    }
  }
  return { allowed: false, reason: "" };
}

/** RBAC: allowed by RoleBinding "x/ns" of Role "y" to User "jane" */
function reasonOf({ binding, subject }: Bound): string {
  const { name = "", namespace } = binding.metadata ?? {};
  const by =
    namespace === undefined ? `ClusterRoleBinding "${name}"` : `RoleBinding "${name}/${namespace}"`;
  const who =
    subject.namespace === undefined ? subject.name : `${subject.name}/${subject.namespace}`;
  const { kind, name: role } = binding.roleRef;
  return `RBAC: allowed by ${by} of ${kind} "${role}" to ${subject.kind} "${who}"`;
}

function fileBindings(objects: Objects): Map<string, Filed> {
  const filed = new Map<string, Filed>();
  const all: readonly Binding[] = [
    ...objects.list(clusterRoleBindings),
    ...objects.list(roleBindings),
  ];
  for (const binding of all) {
    const namespace = binding.metadata?.namespace ?? "";
    for (const subject of binding.subjects ?? []) {
      const key = keyOfSubject(subject, namespace);
      const file = filed.get(key) ?? { cluster: [], namespaces: new Map<string, Bound[]>() };
      filed.set(key, file);
      if (namespace === "") file.cluster.push({ binding, subject });
      else {
        const list = file.namespaces.get(namespace) ?? [];
        file.namespaces.set(namespace, list);
        list.push({ binding, subject });
      }
    }
  }
  return filed;
}

/** A ServiceAccount is a user under its long name; without a namespace it is the binding's. */
function keyOfSubject({ kind, name, namespace }: Subject, bindingNamespace: string): string {
  if (kind === "ServiceAccount") {
    return `User system:serviceaccount:${namespace ?? bindingNamespace}:${name}`;
  }
  return `${kind} ${name}`;
}

const keysOf = ({ name, groups }: UserInfo): readonly string[] => [
  `User ${name}`,
  ...groups.map((group) => `Group ${group}`),
];

/** Members of system:masters may do everything, so that no set of roles can lock everybody out. */
export const mastersMay: Authorize = ({ user }) =>
  Promise.resolve({ allowed: user.groups.includes(mastersGroup), reason: "" });

/** The first authoriser that allows decides; the reasons of those that did not are kept. */
export const anyOf =
  (authorizers: readonly Authorize[]): Authorize =>
  async (attributes, signal) => {
    const reasons: string[] = [];
    for (const authorize of authorizers) {
      const decision = await authorize(attributes, signal);
      if (decision.allowed) return decision;
      if (decision.reason !== "") reasons.push(decision.reason);
    }
    return { allowed: false, reason: reasons.join(", ") };
  };
