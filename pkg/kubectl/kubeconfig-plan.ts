/**
 * What `config` changes in kubeconfig files, and what it shows of them. Pure. Fields that are not
 * known here stay as they are.
 */
import { UsageError } from "../base/flags.ts";
import type {
  Kubeconfig,
  KubeconfigCluster,
  KubeconfigContext,
  KubeconfigUser,
} from "../machinery/kubeconfig.ts";

export interface KubeconfigFile {
  readonly path: string;
  readonly config: Kubeconfig;
}

/** One file as it is to be, and what to say. */
export interface KubeconfigChange extends KubeconfigFile {
  readonly done: string;
  readonly warning?: string;
}

export type Part = "cluster" | "user" | "context";
const listOf = { cluster: "clusters", user: "users", context: "contexts" } as const;

type Entry = { readonly name: string } & Readonly<Record<string, unknown>>;

const entriesOf = ({ config }: KubeconfigFile, part: Part): readonly Entry[] =>
  config[listOf[part]] ?? [];

const has = (file: KubeconfigFile, part: Part, name: string): boolean =>
  entriesOf(file, part).some((one) => one.name === name);

const byName = (a: Entry, b: Entry): number => (a.name < b.name ? -1 : 1);

/** The file with the entry in place of the one of its name, or without it. */
function withEntry(
  { path, config }: KubeconfigFile,
  part: Part,
  name: string,
  entry: Entry | undefined,
): KubeconfigFile {
  const others = entriesOf({ path, config }, part).filter((one) => one.name !== name);
  const all = (entry === undefined ? others : [...others, entry]).toSorted(byName);
  return { path, config: { ...config, [listOf[part]]: all } };
}

/** Where a new entry goes: the first file, as there is always one. */
function home(files: readonly KubeconfigFile[]): KubeconfigFile {
  const [first] = files;
  if (first === undefined) throw new UsageError("no kubeconfig file is named");
  return first;
}

export const currentContext = (files: readonly KubeconfigFile[]): string =>
  files.map(({ config }) => config["current-context"] ?? "").find((one) => one !== "") ?? "";

/** The file that says which context is chosen, or is to say it. */
const choosing = (files: readonly KubeconfigFile[]): KubeconfigFile =>
  files.find(({ config }) => (config["current-context"] ?? "") !== "") ?? home(files);

const choose = ({ path, config }: KubeconfigFile, name: string): KubeconfigFile => ({
  path,
  config: { ...config, "current-context": name },
});

export function planUse(files: readonly KubeconfigFile[], name: string): KubeconfigChange {
  if (!files.some((file) => has(file, "context", name)))
    throw new UsageError(`no context exists with the name: "${name}"`);
  return { ...choose(choosing(files), name), done: `Switched to context "${name}".` };
}

export function planUnset(files: readonly KubeconfigFile[]): KubeconfigChange {
  return { ...choose(choosing(files), ""), done: 'Property "current-context" unset.' };
}

/** Fields over those that the entry has. */
export function planSet(
  files: readonly KubeconfigFile[],
  part: Part,
  name: string,
  fields: KubeconfigCluster | KubeconfigUser | KubeconfigContext,
): KubeconfigChange {
  const found = files.find((file) => has(file, part, name));
  const file = found ?? home(files);
  const before = entriesOf(file, part).find((one) => one.name === name)?.[part] ?? {};
  const entry = { name, [part]: { ...before, ...fields } };
  const noun = { cluster: "Cluster", user: "User", context: "Context" }[part];
  const verb = part !== "context" ? "set" : found === undefined ? "created" : "modified";
  return { ...withEntry(file, part, name, entry), done: `${noun} "${name}" ${verb}.` };
}

export function planDelete(
  files: readonly KubeconfigFile[],
  part: Part,
  name: string,
): KubeconfigChange {
  const file = files.find((one) => has(one, part, name));
  if (file === undefined) {
    throw new UsageError(`cannot delete ${part} ${name}, not in ${home(files).path}`);
  }
  const isCurrent = part === "context" && currentContext(files) === name;
  return {
    ...withEntry(file, part, name, undefined),
    done: `deleted ${part} ${name} from ${file.path}`,
    ...(isCurrent
      ? {
          warning:
            'warning: this removed your active context, use "tskubectl config use-context" to select a different one',
        }
      : {}),
  };
}

export function planRename(
  files: readonly KubeconfigFile[],
  from: string,
  to: string,
): KubeconfigChange {
  const file = files.find((one) => has(one, "context", from));
  if (file === undefined) {
    throw new UsageError(`cannot rename the context "${from}", it's not in ${home(files).path}`);
  }
  if (files.some((one) => has(one, "context", to))) {
    throw new UsageError(
      `cannot rename the context "${from}", the context "${to}" already exists in ${file.path}`,
    );
  }
  const entry = entriesOf(file, "context").find((one) => one.name === from);
  const without = withEntry(file, "context", from, undefined);
  const renamed = withEntry(without, "context", to, { ...entry, name: to });
  const isCurrent = file.config["current-context"] === from;
  return {
    ...(isCurrent ? choose(renamed, to) : renamed),
    done: `Context "${from}" renamed to "${to}".`,
  };
}

const secretData = [
  "certificate-authority-data",
  "client-certificate-data",
  "client-key-data",
] as const;

function redacted<T extends object>(fields: T | undefined): T {
  const shown: Record<string, unknown> = { ...fields };
  for (const key of secretData) if (shown[key] !== undefined) shown[key] = "DATA+OMITTED";
  for (const key of ["token", "password"]) if (shown[key] !== undefined) shown[key] = "REDACTED";
  return shown as T;
}

/** What may be shown to others. */
export const withoutSecrets = (config: Kubeconfig): Kubeconfig => ({
  ...config,
  clusters: (config.clusters ?? []).map((one) => ({ ...one, cluster: redacted(one.cluster) })),
  users: (config.users ?? []).map((one) => ({ ...one, user: redacted(one.user) })),
});

/** Only what the context needs. Throws UsageError where it is not there. */
export function minified(config: Kubeconfig, name: string): Kubeconfig {
  const found = config.contexts?.find((one) => one.name === name);
  if (found === undefined) {
    throw new UsageError(
      name === ""
        ? "current-context must exist in order to minify"
        : `cannot locate context ${name}`,
    );
  }
  const { cluster, user } = found.context ?? {};
  return {
    ...config,
    "current-context": name,
    contexts: [found],
    clusters: (config.clusters ?? []).filter((one) => one.name === cluster),
    users: (config.users ?? []).filter((one) => one.name === user),
  };
}

/** Rows of get-contexts: the chosen one has a star. */
export const contextRows = (
  contexts: NonNullable<Kubeconfig["contexts"]>,
  current: string,
): readonly (readonly string[])[] =>
  contexts
    .toSorted((a, b) => byName(a, b))
    .map(({ name, context }) => [
      name === current ? "*" : "",
      name,
      context?.cluster ?? "",
      context?.user ?? "",
      context?.namespace ?? "",
    ]);
