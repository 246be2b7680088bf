/**
 * Nobody grants what they do not have: who writes a role must have its rules, or may "escalate" it;
 * who writes a binding must have the rules of its role, or may "bind" it.
 */
import type { ClusterRole, PolicyRule, RoleBinding } from "../../../api/rbac/v1.ts";
import { clusterRoles } from "../../../api/resources.ts";
import { forbidden, notFound } from "../../machinery/status.ts";
import type { Admission, AdmissionPlugin } from "../admission/admission.ts";
import { mastersGroup } from "../auth-contract.ts";
import { ruleCode, rulesCover } from "./rbac-rule.ts";
import type { Rbac } from "./rbac.ts";
import { callerMay, rbacView } from "./rbac-view.ts";

const group = "rbac.authorization.k8s.io";

export const rbacEscalation: AdmissionPlugin = {
  name: "RBACEscalation",
  verbs: ["create", "update"],
  resources: ["roles", "clusterroles", "rolebindings", "clusterrolebindings"].map(
    (plural) => `${plural}.${group}`,
  ),
  validate: async (admission) => {
    if (admission.user.groups.includes(mastersGroup)) return;
    const view = rbacView(admission.objects);
    const wanted = await wantedRules(admission, view);
    const owned = view.rulesFor(admission.user, admission.namespace);
    const missing = wanted.filter((rule) => !rulesCover(owned, rule));
    if (missing.length > 0) throw refusal(admission, missing);
  },
};

/** The rules that the write would give somebody; none where it changes nothing or is allowed to. */
async function wantedRules(admission: Admission, view: Rbac): Promise<readonly PolicyRule[]> {
  if ("roleRef" in admission.object) return bindingRules(admission, view);
  const { object, before } = admission;
  const { rules = [], aggregationRule } = object as ClusterRole;
  const old = before as ClusterRole | undefined;
  const isSame =
    same(rules, old?.rules ?? []) && same(aggregationRule, old?.aggregationRule ?? undefined);
  if (old !== undefined && isSame) return [];
  const { plural } = admission.resource.ref;
  if (await may(admission, { verb: "escalate", plural, name: admission.name })) return [];
  // Whoever labels a role fills an aggregated one: its writer must have everything already.
  const isAggregated =
    aggregationRule !== undefined && !same(aggregationRule, old?.aggregationRule);
  return isAggregated ? [...rules, ...everything] : rules;
}

const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

async function bindingRules(admission: Admission, view: Rbac): Promise<readonly PolicyRule[]> {
  const { roleRef, subjects } = admission.object as RoleBinding;
  const old = admission.before as RoleBinding | undefined;
  if (old !== undefined && same(old.roleRef, roleRef) && same(old.subjects, subjects)) return [];
  const plural = roleRef.kind === "ClusterRole" ? clusterRoles.plural : "roles";
  if (await may(admission, { verb: "bind", plural, name: roleRef.name })) return [];
  const rules = view.rulesOfRole(roleRef.kind, roleRef.name, admission.namespace);
  if (rules === undefined) throw notFound({ group, name: plural }, roleRef.name);
  return rules;
}

const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

const may = (
  admission: Admission,
  { verb, plural, name }: { readonly verb: string; readonly plural: string; readonly name: string },
): Promise<boolean> => {
  const { namespace } = admission;
  return callerMay(admission, { verb, apiGroup: group, resource: plural, namespace, name });
};

function refusal({ user, resource, name }: Admission, missing: readonly PolicyRule[]) {
  const groups = user.groups.map((one) => JSON.stringify(one)).join(" ");
  return forbidden(
    { group, name: resource.ref.plural },
    name,
    `user "${user.name}" (groups=[${groups}]) is attempting to grant RBAC permissions ` +
      `not currently held:\n${missing.map(ruleCode).join("\n")}`,
  );
}
