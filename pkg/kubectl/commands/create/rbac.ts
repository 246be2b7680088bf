/** create role, clusterrole, rolebinding, clusterrolebinding. */
import { UsageError, type Flags } from "../../../base/flags.ts";
import { defineCommand, type Kubectl } from "../../command.ts";
import {
  binding,
  clusterRole,
  listOf,
  role,
  unusualVerbs,
  verbsOf,
  type RuleWanted,
} from "../../generate/rbac-plan.ts";
import { createFlags, createObject, onlyName, required } from "./create-object.ts";

const ruleFlags = {
  ...createFlags,
  verb: { kind: "list", help: "What may be done" },
  resource: { kind: "list", help: "With which resources: pods, pods/log, deployments.apps" },
  "resource-name": { kind: "list", help: "With which of them, by name" },
} as const;
type RuleFlags = Flags<typeof ruleFlags>;

function ruleOf(kubectl: Kubectl, given: RuleFlags, paths: readonly string[]): RuleWanted {
  const verbs = verbsOf(given.verb);
  if (paths.length === 0) {
    for (const verb of unusualVerbs(verbs))
      kubectl.terminal.err(`Warning: '${verb}' is not a standard resource verb\n`);
  }
  return {
    verbs,
    resources: listOf(given.resource),
    resourceNames: given["resource-name"],
    paths,
  };
}

export const createRole = defineCommand({
  usage: "create role NAME --verb=VERB --resource=TYPE [--resource-name=NAME]",
  flags: ruleFlags,
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create role");
    const wanted = ruleOf(kubectl, flags, []);
    await createObject(kubectl, flags, {
      resource: "roles.rbac.authorization.k8s.io",
      object: role(name, wanted, await kubectl.mapper()),
    });
    return 0;
  },
});

export const createClusterRole = defineCommand({
  usage: "create clusterrole NAME --verb=VERB (--resource=TYPE | --non-resource-url=PATH)",
  flags: {
    ...ruleFlags,
    "non-resource-url": { kind: "list", help: "With which paths of the server: /healthz, /logs/*" },
    "aggregation-rule": { kind: "list", help: "Gather roles with this label: KEY=VALUE" },
  } as const,
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create clusterrole");
    const wanted = ruleOf(kubectl, flags, listOf(flags["non-resource-url"]));
    const aggregate = listOf(flags["aggregation-rule"]);
    await createObject(kubectl, flags, {
      resource: "clusterroles.rbac.authorization.k8s.io",
      object: clusterRole(name, { ...wanted, aggregate }, await kubectl.mapper()),
    });
    return 0;
  },
});

const subjectFlags = {
  ...createFlags,
  clusterrole: { kind: "text", help: "The cluster role that is given" },
  user: { kind: "list", help: "To a user" },
  group: { kind: "list", help: "To a group" },
  serviceaccount: { kind: "list", help: "To a service account: NAMESPACE:NAME" },
} as const;

const subjectsOf = (given: Omit<Flags<typeof subjectFlags>, "clusterrole">) => ({
  users: given.user,
  groups: given.group,
  accounts: given.serviceaccount,
});

export const createRoleBinding = defineCommand({
  usage: "create rolebinding NAME (--role=NAME | --clusterrole=NAME) [--user=U] [--group=G]",
  flags: { ...subjectFlags, role: { kind: "text", help: "The role that is given" } } as const,
  run: async (kubectl, { flags, args }) => {
    const name = onlyName(args, "create rolebinding");
    const { role: own = "", clusterrole = "" } = flags;
    if ((own === "") === (clusterrole === ""))
      throw new UsageError("exactly one of clusterrole or role must be specified");
    const given =
      own === ""
        ? ({ kind: "ClusterRole", name: clusterrole } as const)
        : ({ kind: "Role", name: own } as const);
    await createObject(kubectl, flags, {
      resource: "rolebindings.rbac.authorization.k8s.io",
      object: binding("RoleBinding", name, { ...subjectsOf(flags), role: given }),
      failing: "failed to create rolebinding:",
    });
    return 0;
  },
});

export const createClusterRoleBinding = defineCommand({
  usage: "create clusterrolebinding NAME --clusterrole=NAME [--user=U] [--group=G]",
  flags: subjectFlags,
  run: async (kubectl, { flags, args }) => {
    required(flags, "clusterrole");
    const name = onlyName(args, "create clusterrolebinding");
    const given = { kind: "ClusterRole", name: flags.clusterrole ?? "" } as const;
    await createObject(kubectl, flags, {
      resource: "clusterrolebindings.rbac.authorization.k8s.io",
      object: binding("ClusterRoleBinding", name, { ...subjectsOf(flags), role: given }),
      failing: "failed to create clusterrolebinding:",
    });
    return 0;
  },
});
