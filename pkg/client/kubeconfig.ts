/**
 * Reads kubeconfig files as kubectl does: several merged, one context chosen, files named in them
 * relative to their own folder. Pure but for reading the files it is told to.
 */
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Kubeconfig, KubeconfigCluster, KubeconfigUser } from "../machinery/kubeconfig.ts";
import type { ClusterAccess } from "./cluster-access.ts";
import { fileToken } from "./file-token.ts";
import { parsePlainYaml } from "./plain-yaml.ts";

/** What can be chosen on a command line over what the file says. */
export interface KubeconfigOverrides {
  readonly context?: string;
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
  readonly server?: string;
  readonly token?: string;
}

export interface ChosenContext {
  readonly context: string;
  readonly namespace: string;
  readonly access: ClusterAccess;
}

export class KubeconfigError extends Error {
  override readonly name = "KubeconfigError";
}

const fileKeys = [
  "certificate-authority",
  "client-certificate",
  "client-key",
  "tokenFile",
] as const;

/** Parses the text of one file; paths in it become absolute, from `folder`. */
export async function parseKubeconfig(text: string, path: string): Promise<Kubeconfig> {
  let parsed: unknown;
  try {
    // Files that tskube wrote are plain: the whole of YAML is loaded for others only.
    parsed = parsePlainYaml(text) ?? (await import("yaml")).parse(text);
  } catch (cause) {
    throw new KubeconfigError(`kubeconfig ${path} is not YAML`, { cause });
  }
  if (parsed === null || parsed === undefined) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed))
    throw new KubeconfigError(`kubeconfig ${path} is not a mapping`);
  const config = parsed as Kubeconfig;
  const absolute = <T extends object>(part: T | undefined): T => {
    const copy: Record<string, unknown> = { ...part };
    for (const key of fileKeys) {
      const value = copy[key];
      if (typeof value === "string" && value !== "") copy[key] = resolve(dirname(path), value);
    }
    return copy as T;
  };
  const { clusters, users } = config;
  return {
    ...config,
    clusters: (clusters ?? []).map((one) => ({ ...one, cluster: absolute(one.cluster) })),
    users: (users ?? []).map((one) => ({ ...one, user: absolute(one.user) })),
  };
}

/** The first file that names a thing wins, as with KUBECONFIG=a:b. */
export function mergeKubeconfigs(configs: readonly Kubeconfig[]): Kubeconfig {
  const first = <T extends { readonly name: string }>(lists: readonly (readonly T[])[]) => {
    const byName = new Map<string, T>();
    for (const one of lists.flat()) if (!byName.has(one.name)) byName.set(one.name, one);
    return [...byName.values()];
  };
  const current = configs.map((one) => one["current-context"] ?? "").find((one) => one !== "");
  return {
    ...(current === undefined ? {} : { "current-context": current }),
    clusters: first(configs.map((one) => one.clusters ?? [])),
    users: first(configs.map((one) => one.users ?? [])),
    contexts: first(configs.map((one) => one.contexts ?? [])),
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new KubeconfigError(`read kubeconfig ${path}`, { cause });
  }
}

/**
 * Reads and merges the files (small ones, while nothing else goes on: node:fs/promises would first
 * have to be loaded); missing ones are skipped, unless none is left.
 */
export async function readKubeconfigs(paths: readonly string[]): Promise<Kubeconfig> {
  const found: Kubeconfig[] = [];
  for (const path of paths) {
    const text = readIfThere(path);
    if (text !== undefined) found.push(await parseKubeconfig(text, path));
  }
  if (found.length === 0) throw new KubeconfigError(`no kubeconfig found at ${paths.join(", ")}`);
  return mergeKubeconfigs(found);
}

/** The cluster, user and namespace of the chosen context. Throws KubeconfigError. */
export function chooseContext(
  config: Kubeconfig,
  clock: Clock,
  overrides: KubeconfigOverrides = {},
): ChosenContext {
  const name = overrides.context ?? config["current-context"] ?? "";
  const context = config.contexts?.find((one) => one.name === name)?.context;
  if (name !== "" && context === undefined)
    throw new KubeconfigError(`context "${name}" does not exist`);
  const clusterName = overrides.cluster ?? context?.cluster ?? "";
  const cluster = config.clusters?.find((one) => one.name === clusterName)?.cluster;
  const server = overrides.server ?? cluster?.server;
  if (server === undefined)
    throw new KubeconfigError(
      clusterName === ""
        ? "no context is chosen: set current-context, or name one"
        : `cluster "${clusterName}" does not exist or has no server`,
    );
  const userName = overrides.user ?? context?.user ?? "";
  const user = config.users?.find((one) => one.name === userName)?.user;
  if (userName !== "" && user === undefined)
    throw new KubeconfigError(`user "${userName}" does not exist`);
  const own = overrides.token === undefined ? user : { token: overrides.token };
  return {
    context: name,
    namespace: overrides.namespace ?? context?.namespace ?? "default",
    access: { server, ...clusterTrust(cluster ?? {}), ...credentials(own ?? {}, userName, clock) },
  };
}

const decode = (base64: string): string => Buffer.from(base64, "base64").toString("utf8");

const clusterTrust = (cluster: KubeconfigCluster): Partial<ClusterAccess> => {
  const data = cluster["certificate-authority-data"];
  const file = cluster["certificate-authority"];
  return {
    ...(data === undefined
      ? file === undefined
        ? {}
        : { certificateAuthority: () => readPem(file) }
      : { certificateAuthority: () => Promise.resolve(decode(data)) }),
    ...(cluster["tls-server-name"] === undefined
      ? {}
      : { tlsServerName: cluster["tls-server-name"] }),
    ...(cluster["insecure-skip-tls-verify"] === true ? { insecureSkipTlsVerify: true } : {}),
  };
};

function credentials(user: KubeconfigUser, name: string, clock: Clock): Partial<ClusterAccess> {
  if (user.exec !== undefined)
    throw new KubeconfigError(
      `user "${name}" gets its credentials from the program ${user.exec.command ?? ""}: ` +
        "exec plugins are not supported; use a token, a tokenFile or a client certificate",
    );
  if (user["auth-provider"] !== undefined || user.username !== undefined)
    throw new KubeconfigError(
      `user "${name}" uses a way to authenticate that Kubernetes has removed; ` +
        "use a token, a tokenFile or a client certificate",
    );
  const certificate = pem(user["client-certificate-data"], user["client-certificate"]);
  const key = pem(user["client-key-data"], user["client-key"]);
  if ((certificate === undefined) !== (key === undefined))
    throw new KubeconfigError(`user "${name}" has only one of client certificate and client key`);
  const token = user.token;
  const tokenFile = user.tokenFile;
  return {
    ...(certificate === undefined || key === undefined
      ? {}
      : {
          clientCertificate: async () => ({ certificate: await certificate(), key: await key() }),
        }),
    ...(token !== undefined && token !== ""
      ? { token: () => Promise.resolve(token) }
      : tokenFile === undefined
        ? {}
        : { token: fileToken(tokenFile, clock) }),
    ...(user.as === undefined
      ? {}
      : { impersonate: { user: user.as, groups: user["as-groups"] ?? [] } }),
  };
}

/** Data in the file wins over a file that it names. */
const pem = (data: string | undefined, file: string | undefined) =>
  data !== undefined
    ? () => Promise.resolve(decode(data))
    : file === undefined
      ? undefined
      : () => readPem(file);

async function readPem(path: string): Promise<string> {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new KubeconfigError(`read ${path}`, { cause });
  }
}
