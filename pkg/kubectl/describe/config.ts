import type { ConfigMap, Namespace, Secret, ServiceAccount } from "../../../api/core/v1.ts";
import { writeHead } from "./describe-metadata.ts";
import type { TabLines } from "./tab-lines.ts";

const sortedEntries = (data: Readonly<Record<string, string>> | undefined) =>
  Object.entries(data ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Bytes behind base64 text. */
const byteCount = (base64: string): number =>
  Math.floor((base64.length * 3) / 4) - (base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0);

export function describeConfigMap(configMap: ConfigMap, out: TabLines): void {
  writeHead(out, configMap);
  out.raw("\nData\n====\n");
  for (const [key, value] of sortedEntries(configMap.data)) out.raw(`${key}:\n----\n${value}\n\n`);
  out.raw("\nBinaryData\n====\n");
  for (const [key, value] of sortedEntries(configMap.binaryData))
    out.raw(`${key}: ${byteCount(value)} bytes\n`);
  out.raw("\n");
}

/** Never shows a secret's values: how long they are is all that is told. */
export function describeSecret(secret: Secret, out: TabLines): void {
  writeHead(out, secret);
  out.raw(`\nType:\t${secret.type ?? ""}\n\nData\n====\n`);
  const isToken = secret.type === "kubernetes.io/service-account-token";
  for (const [key, value] of sortedEntries(secret.data)) {
    const isShown = isToken && key === "token";
    out.line(0, `${key}:\t${isShown ? atob(value) : `${byteCount(value)} bytes`}`);
  }
}

export function describeServiceAccount(account: ServiceAccount, out: TabLines): void {
  writeHead(out, account);
  const secrets = (account.imagePullSecrets ?? []).map(({ name }) => name ?? "");
  out.line(0, `Image pull secrets:\t${secrets[0] ?? "<none>"}`);
  for (const secret of secrets.slice(1)) out.line(0, `                   \t${secret}`);
}

export function describeNamespace(namespace: Namespace, out: TabLines): void {
  writeHead(out, namespace, { withNamespace: false });
  out.line(0, `Status:\t${namespace.status?.phase ?? ""}`);
  const conditions = namespace.status?.conditions ?? [];
  if (conditions.length === 0) return;
  out.raw("Conditions:\n  Type\tStatus\tLastTransitionTime\tReason\tMessage\n");
  out.raw("  ----\t------\t------------------\t------\t-------\n");
  for (const { type, status, lastTransitionTime = "", reason = "", message = "" } of conditions)
    out.line(1, [type, status, lastTransitionTime, reason, message].join("\t"));
}
