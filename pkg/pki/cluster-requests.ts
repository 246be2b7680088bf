import { access } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../files/atomic-file.ts";
import { writeSigningRequest } from "./certificate-signing-request.ts";
import { clusterEntries, type ClusterPki } from "./cluster-pki.ts";
import { generateKeyPair, privateKeyPem } from "./keys.ts";
import { kubeConfigText } from "./kubeconfig.ts";

/**
 * For an authority whose key is kept elsewhere: a key and a request for each certificate of the
 * cluster, FILE.key and FILE.csr, and for each kubeconfig FILE.conf with the key alone and
 * FILE.conf.csr. What is there is never replaced. Answers the paths that were written.
 */
export async function writeClusterRequests(pki: ClusterPki): Promise<readonly string[]> {
  const written: string[] = [];
  const write = async (path: string, text: string, mode: number): Promise<void> => {
    await writeFileAtomically(path, text, mode);
    written.push(path);
  };
  for (const entry of clusterEntries(pki)) {
    if (entry.make !== "certificate" && entry.make !== "kubeconfig") continue;
    const isKubeconfig = entry.make === "kubeconfig";
    const base = join(isKubeconfig ? pki.kubeconfigFolder : pki.folder, entry.file);
    const holder = isKubeconfig ? base : `${base}.key`;
    if (await isThere(holder)) continue;
    const { commonName, organizations } = entry;
    const pair = generateKeyPair();
    const names = isKubeconfig ? [] : entry.names;
    const request = writeSigningRequest({ subject: { commonName, organizations }, names }, pair);
    const key = privateKeyPem(pair.privateKey);
    await write(holder, isKubeconfig ? partialKubeconfig(pki, commonName, key) : key, 0o600);
    await write(`${base}.csr`, request, 0o644);
  }
  return written;
}

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** Whoever has the certificate adds it as client-certificate-data. */
function partialKubeconfig(
  { clusterName, serverUrl }: ClusterPki,
  user: string,
  key: string,
): string {
  const context = `${user}@${clusterName}`;
  return kubeConfigText({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: clusterName, cluster: { server: serverUrl } }],
    contexts: [{ name: context, context: { cluster: clusterName, user } }],
    "current-context": context,
    users: [{ name: user, user: { "client-key-data": Buffer.from(key).toString("base64") } }],
  });
}
