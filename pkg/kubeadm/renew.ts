import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readAuthority } from "../pki/cluster-pki-apply.ts";
import { readCertificate, type CertificateFacts, type Doors } from "../pki/certificate.ts";
import { generateKeyPair, privateKeyPem } from "../pki/keys.ts";
import { embeddedCertificate, kubeConfigText } from "../pki/kubeconfig.ts";
import { parseKubeconfig } from "../client/kubeconfig.ts";
import type { Kubeconfig } from "../machinery/kubeconfig.ts";
import { writeFileAtomically } from "../files/atomic-file.ts";

/** A certificate of a control plane's folder, as it is. */
export interface KnownCertificate {
  /** "apiserver", "etcd/server", "admin.conf" */
  readonly file: string;
  readonly isAuthority: boolean;
  /** `file` of the authority that signs it; "" for an authority. */
  readonly authority: string;
  readonly notAfterMs: number;
  readonly facts: CertificateFacts;
}

/** As kubeadm's folder has them: authority → what it signs. */
const leaves: Readonly<Record<string, readonly string[]>> = {
  ca: [
    "admin.conf",
    "apiserver",
    "apiserver-kubelet-client",
    "controller-manager.conf",
    "kubelet",
    "kubelet.conf",
    "proxy.conf",
    "scheduler.conf",
    "super-admin.conf",
  ],
  "front-proxy-ca": ["front-proxy-client"],
  "etcd/ca": ["apiserver-etcd-client", "etcd/healthcheck-client", "etcd/peer", "etcd/server"],
};

const isKubeconfig = (file: string): boolean => file.endsWith(".conf");
const pathOf = (folder: string, file: string): string =>
  isKubeconfig(file) ? join(folder, file) : join(folder, "pki", `${file}.crt`);

/** What is there; what is not is left out. */
export async function readPkiFolder(
  folder: string,
  read: (path: string) => Promise<string>,
): Promise<readonly KnownCertificate[]> {
  const all = Object.entries(leaves).flatMap(([authority, files]) => [
    ...files.map((file) => ({ file, authority, isAuthority: false })),
    { file: authority, authority: "", isAuthority: true },
  ]);
  const found = await Promise.all(
    all.map(async (one): Promise<readonly KnownCertificate[]> => {
      const text = await read(pathOf(folder, one.file)).catch(() => undefined);
      const pem = text !== undefined && isKubeconfig(one.file) ? embeddedCertificate(text) : text;
      if (pem === undefined) return [];
      const facts = readCertificate(pem);
      return [{ ...one, notAfterMs: facts.notAfterMs, facts }];
    }),
  );
  return found.flat().toSorted((a, b) => (a.file < b.file ? -1 : 1));
}

/** As kubeadm calls it: etcd-server for etcd/server. */
export const shownName = ({ file }: Pick<KnownCertificate, "file">): string =>
  file.replace("/", "-");

/** As kubeadm: a year. */
const leafValidForMs = 365 * 24 * 3_600_000;

/** Signs leaves anew, with new keys and the names that they have. Answers which. */
export async function renewLeaves(
  folder: string,
  found: readonly KnownCertificate[],
  name: string,
  doors: Doors,
): Promise<readonly string[]> {
  const chosen = found.filter(
    (one) => !one.isAuthority && ["all", one.file, shownName(one)].includes(name),
  );
  if (chosen.length === 0) {
    const names = found.filter(({ isAuthority }) => !isAuthority).map(shownName);
    throw new Error(`there is no certificate ${name}; there are all, ${names.join(", ")}`);
  }
  for (const one of chosen) await renew(folder, one, doors);
  return chosen.map(({ file }) => file);
}

async function renew(folder: string, one: KnownCertificate, doors: Doors): Promise<void> {
  const authority = await readAuthority(join(folder, "pki"), one.authority);
  const { facts, file } = one;
  const { publicKey, privateKey } = generateKeyPair();
  const fields = {
    subject: facts.subject,
    names: facts.names,
    usages: usagesOf(file),
    publicKey,
    validForMs: leafValidForMs,
  };
  const certificate = authority.sign(fields, doors);
  const key = privateKeyPem(privateKey);
  const path = pathOf(folder, file);
  if (!isKubeconfig(file)) {
    await writeFileAtomically(path.replace(/\.crt$/, ".key"), key, 0o600);
    return writeFileAtomically(path, certificate, 0o644);
  }
  const config = await parseKubeconfig(await readFile(path, "utf8"), path);
  return writeFileAtomically(
    path,
    kubeConfigText(withCertificate(config, certificate, key)),
    0o600,
  );
}

/** The user of its context has them from now on; all else stays as it is. Pure. */
function withCertificate(config: Kubeconfig, certificate: string, key: string): Kubeconfig {
  const current = config.contexts?.find(({ name }) => name === config["current-context"]);
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const renewed = {
    "client-certificate-data": base64(certificate),
    "client-key-data": base64(key),
  };
  const users = (config.users ?? []).map((one) =>
    one.name === current?.context?.user ? { ...one, user: { ...one.user, ...renewed } } : one,
  );
  return { ...config, users };
}

/** What each is for decides what it may be used for. */
function usagesOf(file: string): readonly ("server auth" | "client auth")[] {
  if (file === "etcd/server" || file === "etcd/peer") return ["server auth", "client auth"];
  return file === "apiserver" || file === "kubelet" ? ["server auth"] : ["client auth"];
}
