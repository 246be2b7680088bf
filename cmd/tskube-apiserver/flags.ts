import { readFile } from "node:fs/promises";
import type { UserInfo } from "../../pkg/apiserver/auth-contract.ts";
import { parseTokenFile } from "../../pkg/apiserver/auth/authenticators.ts";
import { tokenKey, type TokenKey } from "../../pkg/apiserver/auth/json-web-token.ts";
import type { Clock } from "../../pkg/base/clock.ts";
import { UsageError, type Flags } from "../../pkg/base/flags.ts";
import { parsePublicKey } from "../../pkg/pki/keys.ts";
import type { ServerTls } from "../../pkg/serving/server-contract.ts";
import { EtcdStorage } from "../../pkg/storage/etcd.ts";
import { SqliteStorage } from "../../pkg/storage/sqlite.ts";
import type { Storage } from "../../pkg/storage/storage.ts";
import type { KubeletClient } from "../wiring/api-serving.ts";
import { clusterDefaults } from "../wiring/cluster-settings.ts";
import { logFlags } from "../wiring/doors.ts";

/** kube-apiserver's names wherever it has them; --storage is ours. */
export const apiServerFlags = {
  "etcd-servers": { kind: "list", help: "Addresses of etcd: https://127.0.0.1:2379,…" },
  "etcd-cafile": { kind: "text", help: "Authority of etcd's certificates, PEM" },
  "etcd-certfile": { kind: "text", help: "Who we are to etcd, PEM" },
  "etcd-keyfile": { kind: "text", help: "That certificate's key, PEM" },
  storage: { kind: "text", help: "Instead of etcd: sqlite:PATH (sqlite::memory: keeps nothing)" },
  "bind-address": { kind: "text", help: "Where it listens (0.0.0.0)" },
  "secure-port": { kind: "number", help: `Its port (${clusterDefaults.securePort})` },
  "advertise-address": { kind: "text", help: "This server's address for others" },
  "tls-cert-file": { kind: "text", help: "The server's certificate, PEM" },
  "tls-private-key-file": { kind: "text", help: "The certificate's key, PEM" },
  "client-ca-file": { kind: "text", help: "Authority of clients' certificates, PEM" },
  "token-auth-file": { kind: "text", help: 'Lines of token,user,uid,"group1,group2"' },
  "service-account-issuer": { kind: "text", help: "Of ServiceAccount tokens" },
  "service-account-signing-key-file": { kind: "text", help: "Signs ServiceAccount tokens, PEM" },
  "service-account-key-file": { kind: "list", help: "Verifies ServiceAccount tokens, PEM" },
  "service-cluster-ip-range": {
    kind: "text",
    help: `Addresses of Services (${clusterDefaults.serviceCidr})`,
  },
  "service-node-port-range": { kind: "text", help: "Node ports of Services (30000-32767)" },
  "kubelet-client-certificate": { kind: "text", help: "Who we are to kubelets, PEM" },
  "kubelet-client-key": { kind: "text", help: "That certificate's key, PEM" },
  "kubelet-certificate-authority": {
    kind: "text",
    help: "Authority of kubelets' certificates, PEM (that of --client-ca-file)",
  },
  ...logFlags,
} as const;
export type ApiServerFlags = Flags<typeof apiServerFlags>;

/** Throws UsageError where a flag that cannot be done without is missing. */
export function required(given: ApiServerFlags, name: keyof ApiServerFlags): string {
  const value = given[name];
  if (typeof value !== "string" || value === "") throw new UsageError(`--${name} is required`);
  return value;
}

const readIfGiven = async (path: string | undefined): Promise<string | undefined> =>
  path === undefined ? undefined : await readFile(path, "utf8");

/** Values of a list flag, given one by one or with commas between. */
const listOf = (values: readonly string[]): readonly string[] =>
  values.flatMap((value) => value.split(",")).filter((value) => value !== "");

/** The store that the flags name: etcd or SQLite, exactly one of them. */
export async function openStorage(given: ApiServerFlags, clock: Clock): Promise<Storage> {
  const endpoints = listOf(given["etcd-servers"]);
  const { storage } = given;
  if ((storage === undefined) === (endpoints.length === 0)) {
    throw new UsageError("say either --etcd-servers or --storage sqlite:PATH");
  }
  if (storage === undefined) {
    return new EtcdStorage({ endpoints, clock, tls: await etcdTls(given) });
  }
  if (!storage.startsWith("sqlite:")) throw new UsageError(`--storage ${storage}: sqlite:PATH`);
  return new SqliteStorage({ path: storage.slice("sqlite:".length), clock });
}

async function etcdTls(given: ApiServerFlags): Promise<{
  readonly ca?: Uint8Array;
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
}> {
  const read = async (name: string, path: string | undefined) =>
    path === undefined ? {} : { [name]: await readFile(path) };
  return {
    ...(await read("ca", given["etcd-cafile"])),
    ...(await read("cert", given["etcd-certfile"])),
    ...(await read("key", given["etcd-keyfile"])),
  };
}

export async function readServerTls(given: ApiServerFlags): Promise<ServerTls> {
  const authorities = await readIfGiven(given["client-ca-file"]);
  return {
    certificate: await readFile(required(given, "tls-cert-file"), "utf8"),
    key: await readFile(required(given, "tls-private-key-file"), "utf8"),
    ...(authorities === undefined ? {} : { clientAuthorities: authorities }),
  };
}

/** Undefined where no client certificate for kubelets is given. */
export async function readKubeletClient(given: ApiServerFlags): Promise<KubeletClient | undefined> {
  if (given["kubelet-client-certificate"] === undefined) return undefined;
  const authority = given["kubelet-certificate-authority"] ?? required(given, "client-ca-file");
  return {
    certificate: await readFile(given["kubelet-client-certificate"], "utf8"),
    key: await readFile(required(given, "kubelet-client-key"), "utf8"),
    authority: await readFile(authority, "utf8"),
  };
}

export async function readTokens(
  path: string | undefined,
): Promise<ReadonlyMap<string, UserInfo> | undefined> {
  const text = await readIfGiven(path);
  return text === undefined ? undefined : parseTokenFile(text);
}

export const readTokenKeys = (paths: readonly string[]): Promise<readonly TokenKey[]> =>
  Promise.all(
    listOf(paths).map(async (path) => tokenKey(parsePublicKey(await readFile(path, "utf8")))),
  );
