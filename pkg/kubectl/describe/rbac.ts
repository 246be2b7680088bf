import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
} from "../../../api/rbac/v1.ts";
import { writeHead } from "./describe-metadata.ts";
import type { TabLines } from "./tab-lines.ts";

interface Row {
  readonly group: string;
  /** "deployments/scale" */
  readonly word: string;
  readonly resource: string;
  readonly urls: readonly string[];
  readonly names: readonly string[];
  readonly verbs: readonly string[];
}

/** One resource, or the paths of one rule, a row. */
function rowsOf(rule: PolicyRule): readonly Row[] {
  const { verbs, nonResourceURLs: urls = [], resources = [], apiGroups = [] } = rule;
  if (urls.length > 0)
    return urls.map((url) => ({
      group: "",
      word: "",
      resource: "",
      urls: [url],
      names: [],
      verbs,
    }));
  const names =
    (rule.resourceNames ?? []).length === 0
      ? [[]]
      : (rule.resourceNames ?? []).map((name) => [name]);
  return apiGroups.flatMap((group) =>
    resources.flatMap((word) => {
      const [plural = "", sub] = word.split("/");
      const qualified = group === "" ? plural : `${plural}.${group}`;
      const resource = sub === undefined ? qualified : `${qualified}/${sub}`;
      return names.map((one) => ({ group, word, resource, urls: [], names: one, verbs }));
    }),
  );
}

const sortKey = ({ group, word, urls, names }: Row): string =>
  [group, word, names[0], urls[0]].map((text) => `[${text ?? ""}]`).join(",");

/** Rows about the same things are one: their verbs together. */
function mergedRows(rules: readonly PolicyRule[]): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const row of rules.flatMap(rowsOf)) {
    const before = rows.get(sortKey(row));
    const verbs = [...(before?.verbs ?? []), ...row.verbs];
    rows.set(sortKey(row), {
      ...row,
      verbs: verbs.filter((verb, at) => verbs.indexOf(verb) === at),
    });
  }
  return [...rows.values()];
}

const bracketed = (words: readonly string[]): string => `[${words.join(" ")}]`;

export function describeRole(role: Role | ClusterRole, out: TabLines): void {
  writeHead(out, role, { withNamespace: false });
  out.raw("PolicyRule:\n  Resources\tNon-Resource URLs\tResource Names\tVerbs\n");
  out.raw("  ---------\t-----------------\t--------------\t-----\n");
  const rows = mergedRows(role.rules ?? []).toSorted((a, b) => {
    const [left, right] = [a, b].map(({ verbs }) => bracketed(verbs));
    const byVerbs = (left ?? "") < (right ?? "") ? -1 : left === right ? 0 : 1;
    return byVerbs === 0 ? (sortKey(a) < sortKey(b) ? -1 : 1) : byVerbs;
  });
  for (const { resource, urls, names, verbs } of rows)
    out.line(1, `${resource}\t${bracketed(urls)}\t${bracketed(names)}\t${bracketed(verbs)}`);
}

export function describeBinding(binding: RoleBinding | ClusterRoleBinding, out: TabLines): void {
  writeHead(out, binding, { withNamespace: false });
  out.line(0, "Role:");
  out.line(1, `Kind:\t${binding.roleRef.kind}`);
  out.line(1, `Name:\t${binding.roleRef.name}`);
  out.raw("Subjects:\n  Kind\tName\tNamespace\n  ----\t----\t---------\n");
  for (const { kind, name, namespace } of binding.subjects ?? [])
    out.line(1, `${kind}\t${name}\t${namespace ?? ""}`);
}
