/** What somebody may do, a line each, as `auth can-i --list` prints it. Pure. */
import type {
  NonResourceRule,
  ResourceRule,
  SubjectRulesReviewStatus,
} from "../../api/authorization/v1.ts";

const list = (values: readonly string[] | undefined): string => `[${(values ?? []).join(" ")}]`;

/** "pods/log", "deployments.apps/scale", "*.*": the group stands behind the resource. */
function qualified(group: string, resource: string): string {
  if (group === "") return resource;
  const [name = "", ...subresource] = resource.split("/");
  return [`${name}.${group}`, ...subresource].join("/");
}

interface Row {
  readonly what: string;
  readonly urls: string;
  readonly names: string;
  readonly verbs: readonly string[];
}

/** One row a resource: what several rules allow of it is told together. */
function resourceRows(rules: readonly ResourceRule[]): readonly Row[] {
  const found = new Map<string, Row>();
  for (const { apiGroups, resources, resourceNames, verbs } of rules) {
    for (const group of apiGroups ?? []) {
      for (const resource of resources ?? []) {
        const row = { what: qualified(group, resource), urls: "[]", names: list(resourceNames) };
        const key = `${row.what} ${row.names}`;
        const before = found.get(key)?.verbs ?? [];
        found.set(key, { ...row, verbs: [...new Set([...before, ...verbs])] });
      }
    }
  }
  return [...found.values()];
}

const urlRows = (rules: readonly NonResourceRule[]): readonly Row[] =>
  rules.flatMap(({ nonResourceURLs, verbs }) =>
    (nonResourceURLs ?? []).map((url) => ({ what: "", urls: `[${url}]`, names: "[]", verbs })),
  );

const orderOf = ({ verbs, what, urls }: Row): string => `${list(verbs)} ${what} ${urls}`;

/** Cells of: resource, URLs, names, verbs. Those who may most come first. */
export function ruleRows(
  status: SubjectRulesReviewStatus | undefined,
): readonly (readonly string[])[] {
  const rows = [
    ...resourceRows(status?.resourceRules ?? []),
    ...urlRows(status?.nonResourceRules ?? []),
  ];
  return rows
    .toSorted((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1))
    .map(({ what, urls, names, verbs }) => [what, urls, names, list(verbs)]);
}
