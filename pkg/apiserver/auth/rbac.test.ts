import { describe, expect, it } from "vitest";
import { clusterRoleBindings, clusterRoles, roleBindings, roles } from "../../../api/resources.ts";
import type { PolicyRule, Subject } from "../../../api/rbac/v1.ts";
import type { Attributes, UserInfo } from "../auth-contract.ts";
import { nodeAuthorizer, nodeNameOf } from "./node-authorizer.ts";
import { anyOf, mastersMay, rbac } from "./rbac.ts";
import { rule, urls } from "./bootstrap-role.ts";
import { ruleAllows, rulesCover } from "./rbac-rule.ts";
import { FixedObjects } from "./testing/fixed-objects.ts";

const user = (name: string, ...groups: string[]): UserInfo => ({
  name,
  uid: "",
  groups,
  extra: {},
});

/** "get pods/log.apps ns/name", or "get /path" */
function asked(text: string, who = user("jane")): Attributes {
  const [verb = "", what = "", where = ""] = text.split(" ");
  const isPath = what.startsWith("/");
  const [whole = "", apiGroup = ""] = isPath
    ? []
    : [what.split(".")[0], what.split(".").slice(1).join(".")];
  const [resource = "", subresource = ""] = whole.split("/");
  const [namespace = "", name = ""] = where.split("/");
  return {
    user: who,
    verb,
    resourceRequest: !isPath,
    path: isPath ? what : "",
    apiGroup,
    apiVersion: "v1",
    resource,
    subresource,
    namespace,
    name,
  };
}

describe("ruleAllows", () => {
  const pods = rule("get list", "core", "pods");
  for (const [title, one, request, allowed] of [
    ["the verb, group and resource it names", pods, "get pods a/x", true],
    ["no other verb", pods, "delete pods a/x", false],
    ["no other group", pods, "get pods.apps a/x", false],
    ["no subresource of it", pods, "get pods/log a/x", false],
    ["a subresource that it names", rule("get", "core", "pods/log"), "get pods/log a/x", true],
    ["everything", rule("*", "*", "*"), "bind roles/any.rbac.authorization.k8s.io", true],
    ["one subresource of every resource", rule("get", "apps", "*/scale"), "get x/scale.apps", true],
    ["not that resource itself", rule("get", "apps", "*/scale"), "get x.apps", false],
    ["an object that it names", rule("get", "core", "secrets", "a b"), "get secrets n/b", true],
    ["no other object", rule("get", "core", "secrets", "a b"), "get secrets n/c", false],
    [
      "no list, where it names objects",
      rule("list", "core", "secrets", "a"),
      "list secrets",
      false,
    ],
    ["a path", urls("get", "/healthz /version/"), "get /healthz", true],
    ["no path below it", urls("get", "/healthz"), "get /healthz/etcd", false],
    ["a path below a star", urls("get", "/healthz/*"), "get /healthz/etcd", true],
    ["no path by a rule of resources", rule("*", "*", "*"), "get /healthz", false],
  ] as const) {
    it(`allows ${title}`, () => expect(ruleAllows(one, asked(request))).toBe(allowed));
  }
});

describe("rulesCover", () => {
  const owned = [rule("get list", "core", "pods pods/log"), rule("get", "core", "secrets", "a")];
  for (const [title, wanted, covered] of [
    ["a part of one rule", rule("get", "core", "pods"), true],
    ["parts of two rules", rule("get", "core", "pods secrets", "a"), true],
    ["more verbs", rule("get watch", "core", "pods"), false],
    ["a name as if it were all names", rule("get", "core", "secrets"), false],
    ["everything", rule("*", "*", "*"), false],
    ["a path", urls("get", "/metrics"), false],
  ] as const) {
    it(`${title}: ${covered}`, () => expect(rulesCover(owned, wanted)).toBe(covered));
  }
  it("with everything, covers all", () => {
    const all = [rule("*", "*", "*"), urls("*", "*")];
    for (const wanted of [
      rule("get", "a", "b/c", "d"),
      rule("*", "*", "*/scale"),
      urls("get", "/x/*"),
    ])
      expect(rulesCover(all, wanted)).toBe(true);
  });
});

const subject = (kind: string, name: string, namespace?: string): Subject => ({
  kind,
  name,
  ...(namespace === undefined ? {} : { namespace }),
});
const bind = (name: string, to: readonly Subject[], role: string, namespace?: string) => ({
  metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
  subjects: to,
  roleRef: {
    apiGroup: "rbac.authorization.k8s.io",
    kind: role.startsWith("local") ? "Role" : "ClusterRole",
    name: role,
  },
});
const clusterRole = (name: string, ...rules: PolicyRule[]) => ({ metadata: { name }, rules });

describe("rbac", () => {
  const objects = new FixedObjects()
    .put(
      clusterRoles,
      clusterRole("reader", rule("get list watch", "core", "pods")),
      clusterRole("info", urls("get", "/version")),
    )
    .put(roles, {
      metadata: { name: "local", namespace: "a" },
      rules: [rule("delete", "core", "pods")],
    })
    .put(
      clusterRoleBindings,
      bind("all-readers", [subject("Group", "readers")], "reader"),
      bind("informed", [subject("Group", "system:authenticated")], "info"),
      bind("dangling", [subject("User", "lost")], "no-such-role"),
    )
    .put(
      roleBindings,
      bind("jane-reads", [subject("User", "jane")], "reader", "a"),
      bind("deleters", [subject("ServiceAccount", "bot")], "local", "a"),
      bind("their-bot", [subject("ServiceAccount", "bot", "b")], "local", "a"),
    );
  const rules = rbac(objects);
  const { authorize } = rules;
  const signal = new AbortController().signal;
  const bot = (namespace: string): UserInfo => user(`system:serviceaccount:${namespace}:bot`);

  for (const [title, who, request, reason] of [
    [
      "a group's members in every namespace",
      user("joe", "readers"),
      "list pods",
      'RBAC: allowed by ClusterRoleBinding "all-readers" of ClusterRole "reader" ' +
        'to Group "readers"',
    ],
    [
      "a user in one namespace",
      user("jane"),
      "get pods a/x",
      'RBAC: allowed by RoleBinding "jane-reads/a" of ClusterRole "reader" to User "jane"',
    ],
    ["that user in no other", user("jane"), "get pods b/x", ""],
    ["that user not in all", user("jane"), "list pods", ""],
    [
      "a ServiceAccount of the binding's namespace",
      bot("a"),
      "delete pods a/x",
      'RBAC: allowed by RoleBinding "deleters/a" of Role "local" to ServiceAccount "bot"',
    ],
    [
      "a ServiceAccount of another namespace",
      bot("b"),
      "delete pods a/x",
      'RBAC: allowed by RoleBinding "their-bot/a" of Role "local" to ServiceAccount "bot/b"',
    ],
    ["no ServiceAccount that is not named", bot("c"), "delete pods a/x", ""],
    ["nothing by a role that is gone", user("lost"), "get pods a/x", ""],
    [
      "paths",
      user("x", "system:authenticated"),
      "get /version",
      'RBAC: allowed by ClusterRoleBinding "informed" of ClusterRole "info" ' +
        'to Group "system:authenticated"',
    ],
  ] as const) {
    it(`allows ${title}`, async () => {
      const decision = await authorize(asked(request, who), signal);
      expect(decision).toEqual({ allowed: reason !== "", reason });
    });
  }

  it("sees a change at once", async () => {
    const eve = asked("get pods a/x", user("eve"));
    expect((await authorize(eve, signal)).allowed).toBe(false);
    objects.put(roleBindings, bind("eve-reads", [subject("User", "eve")], "reader", "a"));
    expect((await authorize(eve, signal)).allowed).toBe(true);
    objects.put(clusterRoles, clusterRole("reader"));
    expect((await authorize(eve, signal)).allowed).toBe(false);
  });

  it("lists the rules that apply to a user", () => {
    expect(rules.rulesFor(bot("a"), "a")).toEqual([rule("delete", "core", "pods")]);
    expect(rules.rulesFor(bot("a"), "")).toEqual([]);
  });
});

describe("beside RBAC", () => {
  const signal = new AbortController().signal;
  const authorize = anyOf([mastersMay, nodeAuthorizer(new FixedObjects())]);
  for (const [title, who, request, allowed] of [
    ["system:masters may do all", user("root", "system:masters"), "delete nodes", true],
    [
      "a kubelet may report its node",
      user("system:node:n1", "system:nodes"),
      "patch nodes/status",
      true,
    ],
    [
      "a kubelet may not delete deployments",
      user("system:node:n1", "system:nodes"),
      "delete deployments.apps",
      false,
    ],
    ["its name alone is nothing", user("system:node:n1"), "patch nodes/status", false],
  ] as const) {
    it(title, async () => {
      expect((await authorize(asked(request, who), signal)).allowed).toBe(allowed);
    });
  }
  it("reads a node's name from its credentials", () => {
    expect(nodeNameOf(user("system:node:n1", "system:nodes"))).toBe("n1");
    expect(nodeNameOf(user("system:node:", "system:nodes"))).toBeUndefined();
  });
});
