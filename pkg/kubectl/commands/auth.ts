/** auth can-i and auth whoami: what the server says of the caller. */
import type { SelfSubjectReview } from "../../../api/authentication/v1.ts";
import type {
  SelfSubjectAccessReview,
  SelfSubjectRulesReview,
} from "../../../api/authorization/v1.ts";
import { UsageError, type Flags } from "../../base/flags.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import { jsonText } from "../print/json-text.ts";
import { ColumnPrinter } from "../print/table.ts";
import { yamlText } from "../print/yaml-text.ts";
import { ruleRows } from "../rule-rows.ts";

const flags = {
  subresource: { kind: "text", help: "Of the resource: log, scale, …" },
  "all-namespaces": { short: "A", kind: "bool", help: "In all namespaces" },
  list: { kind: "bool", help: "All that may be done in the namespace" },
  quiet: { short: "q", kind: "bool", help: "Only the exit code: 0 is yes" },
  output: { short: "o", kind: "text", help: "whoami: json or yaml" },
} as const;
type AuthFlags = Flags<typeof flags>;

const review = <T>({ api }: Kubectl, group: string, plural: string, body: object): Promise<T> =>
  api.send<T>({
    method: "POST",
    path: `/apis/${group}/v1/${plural}`,
    body: { apiVersion: `${group}/v1`, ...body },
  });

/** The question, as the server takes it: an object of a resource, or a path. */
async function attributesOf(
  kubectl: Kubectl,
  [verb, what, ...more]: readonly string[],
  given: AuthFlags,
): Promise<object> {
  if (verb === undefined || what === undefined || more.length > 0) {
    throw new UsageError(
      "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'tskubectl auth can-i -h' for help and examples.",
    );
  }
  if (what.startsWith("/")) return { nonResourceAttributes: { verb, path: what } };
  const [type = "", name] = what.split("/");
  const isAny = type === "*";
  const resource = isAny ? undefined : (await kubectl.mapper([type])).find(type);
  const { terminal } = kubectl;
  if (!isAny && resource === undefined) {
    terminal.err(`Warning: the server doesn't have a resource type '${type}'\n\n`);
  } else if (resource?.namespaced === false) {
    const group = resource.group === "" ? "" : ` in group '${resource.group}'`;
    const what = `resource '${resource.plural}' is not namespace scoped${group}`;
    terminal.err(`Warning: ${what}\n\n`);
  }
  return {
    resourceAttributes: {
      verb,
      group: isAny ? "*" : (resource?.group ?? ""),
      resource: resource?.plural ?? type,
      ...(name === undefined ? {} : { name }),
      ...(given.subresource === undefined ? {} : { subresource: given.subresource }),
      ...(given["all-namespaces"] ? {} : { namespace: kubectl.namespace }),
    },
  };
}

async function canI(kubectl: Kubectl, words: readonly string[], given: AuthFlags): Promise<number> {
  const spec = await attributesOf(kubectl, words, given);
  const kind = "SelfSubjectAccessReview";
  const { status } = await review<SelfSubjectAccessReview>(
    kubectl,
    "authorization.k8s.io",
    "selfsubjectaccessreviews",
    { kind, spec },
  );
  const isAllowed = status?.allowed === true;
  const reason = status?.reason ?? "";
  const error = status?.evaluationError ?? "";
  if (!given.quiet) {
    const because = isAllowed || reason === "" ? "" : ` - ${reason}`;
    const problem = error === "" ? "" : ` - ${error}`;
    kubectl.terminal.out(`${isAllowed ? "yes" : "no"}${because}${problem}\n`);
  }
  return isAllowed ? 0 : 1;
}

async function listRules(kubectl: Kubectl): Promise<number> {
  const { status } = await review<SelfSubjectRulesReview>(
    kubectl,
    "authorization.k8s.io",
    "selfsubjectrulesreviews",
    { kind: "SelfSubjectRulesReview", spec: { namespace: kubectl.namespace } },
  );
  if (status?.incomplete === true) {
    kubectl.terminal.err(
      `warning: the list may be incomplete: ${status.evaluationError ?? "unknown reason"}\n`,
    );
  }
  const header = ["Resources", "Non-Resource URLs", "Resource Names", "Verbs"];
  kubectl.terminal.out(new ColumnPrinter().lines([header, ...ruleRows(status)]));
  return 0;
}

async function whoami(kubectl: Kubectl, { output }: AuthFlags): Promise<number> {
  const { status } = await review<SelfSubjectReview>(
    kubectl,
    "authentication.k8s.io",
    "selfsubjectreviews",
    { kind: "SelfSubjectReview" },
  );
  const { terminal } = kubectl;
  const whole = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "SelfSubjectReview",
    metadata: {},
    status,
  };
  if (output === "json") terminal.out(`${jsonText(whole, 4)}\n`);
  else if (output === "yaml") terminal.out(yamlText(whole));
  else if (output !== undefined) {
    throw new UsageError(`unable to match a printer suitable for the output format "${output}"`);
  } else {
    const { username = "", uid = "", groups = [], extra = {} } = status?.userInfo ?? {};
    const list = (values: readonly string[]): string => `[${values.join(" ")}]`;
    const rows = [
      ["Username", username],
      ...(uid === "" ? [] : [["UID", uid]]),
      ...(groups.length === 0 ? [] : [["Groups", list(groups)]]),
      ...Object.keys(extra)
        .toSorted()
        .map((key) => [`Extra: ${key}`, list(extra[key] ?? [])]),
    ];
    terminal.out(new ColumnPrinter().lines([["ATTRIBUTE", "VALUE"], ...rows]));
  }
  return 0;
}

export const auth = defineCommand({
  usage: "auth (can-i VERB (TYPE | TYPE/NAME | /PATH) | can-i --list | whoami)",
  flags,
  run: async (kubectl, { flags: given, args: [word = "", ...words] }) => {
    if (word === "whoami") return whoami(kubectl, given);
    if (word !== "can-i") throw new UsageError(`unknown command "${word}" for "tskubectl auth"`);
    return given.list ? listRules(kubectl) : canI(kubectl, words, given);
  },
});
