/** config: which clusters, users and contexts the kubeconfig files name, and which is chosen. */
import { UsageError, type Flags } from "../../base/flags.ts";
import { mergeKubeconfigs } from "../../client/kubeconfig.ts";
import type { Kubeconfig } from "../../machinery/kubeconfig.ts";
import { defineCommand, type Kubectl } from "../command.ts";
import {
  contextRows,
  currentContext,
  minified,
  planDelete,
  planRename,
  planSet,
  planUnset,
  planUse,
  withoutSecrets,
  type KubeconfigChange,
  type KubeconfigFile,
} from "../kubeconfig-plan.ts";
import { objectPrinter } from "../print/output.ts";
import { ColumnPrinter } from "../print/table.ts";

const flags = {
  current: { kind: "bool", help: "set-context: change the chosen one" },
  minify: { kind: "bool", help: "view: only what the chosen context needs" },
  raw: { kind: "bool", help: "view: with keys and tokens" },
  flatten: { kind: "bool", help: "view: with the content of files that are named" },
  output: { short: "o", kind: "text", help: "view: yaml, json, jsonpath=…; get-contexts: name" },
  "no-headers": { kind: "bool", help: "get-contexts: no first line" },
  "embed-certs": { kind: "bool", help: "set-…: the files' content in place of their names" },
} as const;
type ConfigFlags = Flags<typeof flags>;
/** Flags of every command that say here what is to be set. */
type Given = ConfigFlags & {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
  readonly server?: string;
  readonly token?: string;
  readonly context?: string;
  readonly "insecure-skip-tls-verify"?: boolean;
  readonly "certificate-authority"?: string;
  readonly "client-certificate"?: string;
  readonly "client-key"?: string;
};

interface Call {
  readonly kubectl: Kubectl;
  readonly files: readonly KubeconfigFile[];
  readonly given: Given;
  readonly words: readonly string[];
}
type Action = (call: Call) => Promise<void>;

const merged = (files: readonly KubeconfigFile[]): Kubeconfig => ({
  apiVersion: "v1",
  kind: "Config",
  ...mergeKubeconfigs(files.map(({ config }) => config)),
});

const onlyWord = ([word, ...more]: readonly string[], usage: string): string => {
  if (word === undefined || word === "" || more.length > 0)
    throw new UsageError(`unexpected args: say ${usage}`);
  return word;
};

async function write({ kubectl }: Call, change: KubeconfigChange): Promise<void> {
  await kubectl.kubeconfig.write(change.path, change.config);
  if (change.warning !== undefined) kubectl.terminal.err(`${change.warning}\n`);
  kubectl.terminal.out(`${change.done}\n`);
}

/** A file's name, or with --embed-certs its content. */
async function fileField(
  { kubectl, given }: Call,
  name: "certificate-authority" | "client-certificate" | "client-key",
): Promise<Record<string, string>> {
  const path = given[name];
  if (path === undefined) return {};
  if (!given["embed-certs"]) return { [name]: path };
  const text = await kubectl.files.readText(path);
  return { [`${name}-data`]: new TextEncoder().encode(text).toBase64() };
}

const present = (fields: Readonly<Record<string, string | boolean | undefined>>): object =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));

const viewConfig: Action = async ({ kubectl, files, given }) => {
  const whole = merged(files);
  const name = given.context ?? currentContext(files);
  const chosen = given.minify ? minified(whole, name) : whole;
  const flat = given.flatten ? await kubectl.kubeconfig.flatten(chosen) : chosen;
  const shown = given.raw || given.flatten ? flat : withoutSecrets(flat);
  const print = objectPrinter(given.output ?? "yaml", () => "");
  if (print === undefined) throw new UsageError(`unknown output format "${given.output}"`);
  kubectl.terminal.out(await print({ "current-context": "", ...shown }));
};

const getContexts: Action = async ({ kubectl, files, given, words }) => {
  const { contexts = [] } = merged(files);
  const asked = words.length === 0 ? contexts : contexts.filter(({ name }) => words.includes(name));
  const rows = contextRows(asked, currentContext(files));
  const { terminal } = kubectl;
  if (given.output === "name") {
    terminal.out(rows.map(([, name]) => `${name}\n`).join(""));
  } else {
    const header = ["CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"];
    terminal.out(new ColumnPrinter().lines(given["no-headers"] ? rows : [header, ...rows]));
  }
  const missing = words.find((word) => !asked.some(({ name }) => name === word));
  if (missing !== undefined) throw new UsageError(`context ${missing} not found`);
};

const namesOf =
  (list: "clusters" | "users"): Action =>
  async ({ kubectl, files }) => {
    const names = (merged(files)[list] ?? []).map(({ name }) => `${name}\n`).toSorted();
    kubectl.terminal.out(`NAME\n${names.join("")}`);
  };

const setContext: Action = async (call) => {
  const { given, files, words } = call;
  const name = given.current ? currentContext(files) : (words[0] ?? "");
  if (name === "") {
    throw new UsageError(
      given.current
        ? "no current context is set"
        : "you must specify a non-empty context name or --current",
    );
  }
  const { cluster, user, namespace } = given;
  await write(call, planSet(files, "context", name, present({ cluster, user, namespace })));
};

const setCluster: Action = async (call) => {
  const name = onlyWord(call.words, "set-cluster NAME --server=URL");
  const { server } = call.given;
  const isUnsafe = call.given["insecure-skip-tls-verify"] === true || undefined;
  const fields = {
    ...present({ server, "insecure-skip-tls-verify": isUnsafe }),
    ...(await fileField(call, "certificate-authority")),
  };
  await write(call, planSet(call.files, "cluster", name, fields));
};

const setCredentials: Action = async (call) => {
  const name = onlyWord(call.words, "set-credentials NAME (--token=… | --client-certificate=…)");
  const fields = {
    ...present({ token: call.given.token }),
    ...(await fileField(call, "client-certificate")),
    ...(await fileField(call, "client-key")),
  };
  await write(call, planSet(call.files, "user", name, fields));
};

const printCurrent: Action = async ({ kubectl, files }) => {
  const name = currentContext(files);
  if (name === "") throw new UsageError("current-context is not set");
  kubectl.terminal.out(`${name}\n`);
};

const actions: Readonly<Record<string, Action>> = {
  view: viewConfig,
  "current-context": printCurrent,
  "get-contexts": getContexts,
  "get-clusters": namesOf("clusters"),
  "get-users": namesOf("users"),
  "use-context": (call) =>
    write(call, planUse(call.files, onlyWord(call.words, "use-context NAME"))),
  "set-context": setContext,
  "set-cluster": setCluster,
  "set-credentials": setCredentials,
  "rename-context": (call) => {
    const [from = "", ...to] = call.words;
    return write(call, planRename(call.files, from, onlyWord(to, "rename-context OLD NEW")));
  },
  "delete-context": (call) =>
    write(call, planDelete(call.files, "context", onlyWord(call.words, "delete-context NAME"))),
  "delete-cluster": (call) =>
    write(call, planDelete(call.files, "cluster", onlyWord(call.words, "delete-cluster NAME"))),
  "delete-user": (call) =>
    write(call, planDelete(call.files, "user", onlyWord(call.words, "delete-user NAME"))),
  unset: (call) => {
    const what = onlyWord(call.words, "unset current-context");
    if (what !== "current-context")
      throw new UsageError(`only current-context can be unset; ${what} has a delete-… command`);
    return write(call, planUnset(call.files));
  },
};

export const config = defineCommand({
  usage: `config (${Object.keys(actions).join(" | ")}) [NAME ...]`,
  flags,
  run: async (kubectl, { flags: given, args: [word = "", ...words] }) => {
    const action = actions[word];
    if (action === undefined)
      throw new UsageError(`unknown command "${word}" for "tskubectl config"`);
    const files = await kubectl.kubeconfig.read();
    await action({ kubectl, files, given: given as Given, words });
    return 0;
  },
});
