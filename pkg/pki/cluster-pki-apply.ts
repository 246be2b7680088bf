import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomically } from "../files/atomic-file.ts";
import { belongsTo, createAuthority, openAuthority, type Authority } from "./authority.ts";
import { readCertificate, type Doors } from "./certificate.ts";
import { filesOf, planClusterPki, type FileFacts, type PkiStep } from "./cluster-pki-plan.ts";
import { clusterEntries, type ClusterPki, type PkiEntry } from "./cluster-pki.ts";
import { canonicalName } from "./extensions.ts";
import { embeddedCertificate, kubeConfig, kubeConfigText } from "./kubeconfig.ts";
import {
  generateKeyPair,
  isEncryptedKey,
  parsePrivateKey,
  privateKeyPem,
  publicKeyPem,
  type KeyPair,
} from "./keys.ts";

/** As kubeadm: ten years for authorities, one for what they sign. */
const authorityValidForMs = 10 * 365 * 24 * 3_600_000;
const leafValidForMs = 365 * 24 * 3_600_000;

/**
 * Brings the cluster's PKI folder to its wanted state and answers what was written. Safe to be
 * killed at any instant and run again. Throws where only a person can decide. `isPart`: only the
 * entries whose first file it takes.
 */
export async function ensureClusterPki(
  wanted: ClusterPki,
  doors: Doors,
  isPart: (file: string) => boolean = () => true,
): Promise<readonly PkiStep[]> {
  const pki = withCanonicalNames(wanted);
  const existing = await readExisting(pki);
  const { steps: all, problems } = planClusterPki(pki, existing, doors.clock.now());
  const steps = all.filter(({ entry }) => isPart(filesOf(entry)[0] ?? ""));
  if (problems.length > 0) throw new Error(`PKI in ${pki.folder}: ${problems.join("; ")}`);
  for (const step of steps) {
    await applyStep(pki, step.entry, doors).catch((cause: unknown) => {
      throw new Error(`write ${step.entry.file} (${step.because})`, { cause });
    });
  }
  return steps;
}

/** Without this an address in another spelling would look like a missing name at every start. */
const withCanonicalNames = (pki: ClusterPki): ClusterPki => ({
  ...pki,
  serverNames: pki.serverNames.map(canonicalName),
  serviceAddress: canonicalName(pki.serviceAddress),
  node: { ...pki.node, addresses: pki.node.addresses.map(canonicalName) },
});

async function readExisting(pki: ClusterPki): Promise<ReadonlyMap<string, FileFacts>> {
  const texts = new Map<string, string>();
  for (const entry of clusterEntries(pki)) {
    for (const file of filesOf(entry)) {
      const text = await readIfThere(pathOf(pki, entry, file));
      if (text !== undefined) texts.set(file, text);
    }
  }
  return new Map(
    clusterEntries(pki).flatMap((entry) =>
      filesOf(entry).flatMap((file): readonly [string, FileFacts][] => {
        const text = texts.get(file);
        return text === undefined
          ? []
          : [[file, { ...factsOf(file, text), ...oddity(entry, file, texts) }]];
      }),
    ),
  );
}

/** What does not go together: only a person can say which of the files is the right one. */
function oddity(
  entry: PkiEntry,
  file: string,
  texts: ReadonlyMap<string, string>,
): Pick<FileFacts, "problem" | "hasForeignKey"> {
  const text = texts.get(file) ?? "";
  if (file.endsWith(".key")) {
    return isEncryptedKey(text) ? { problem: `${file} is encrypted: decrypt it first` } : {};
  }
  const pem = file.endsWith(".conf") ? embeddedCertificate(text) : text;
  if (pem === undefined || file.endsWith(".pub")) return {};
  const authority = "authority" in entry ? texts.get(`${entry.authority}.crt`) : undefined;
  if (authority !== undefined && !isSignedBy(pem, authority) && "authority" in entry) {
    return { problem: `${file} is not signed by ${entry.authority}.crt: remove one of them` };
  }
  const key = texts.get(file.replace(/\.crt$/, ".key"));
  if (!file.endsWith(".crt") || key === undefined || isEncryptedKey(key)) return {};
  if (belongsTo(pem, parsePrivateKey(key).privateKey)) return {};
  return entry.make === "authority"
    ? { problem: `${file.replace(/crt$/, "key")} is not the key of ${file}` }
    : { hasForeignKey: true };
}

const isSignedBy = (certificate: string, authority: string): boolean =>
  new X509Certificate(certificate).verify(new X509Certificate(authority).publicKey);

function factsOf(file: string, text: string): FileFacts {
  const pem = file.endsWith(".conf") ? embeddedCertificate(text) : text;
  if (pem === undefined || file.endsWith(".key") || file.endsWith(".pub")) return {};
  try {
    const { notAfterMs, names } = readCertificate(pem);
    return { notAfterMs, names };
  } catch (cause) {
    throw new Error(`read ${file}`, { cause });
  }
}

const pathOf = (pki: ClusterPki, entry: PkiEntry, file: string): string =>
  join(entry.make === "kubeconfig" ? pki.kubeconfigFolder : pki.folder, file);

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** The authority in FILE.crt and FILE.key of the cluster's PKI folder. */
export async function readAuthority(folder: string, file: string): Promise<Authority> {
  const certificate = await readFile(join(folder, `${file}.crt`), "utf8");
  const key = await readIfThere(join(folder, `${file}.key`));
  if (key === undefined) {
    const remedy = "have requests signed where it is (tsadm certs generate-csr)";
    throw new Error(`${file}.key is not in ${folder}: the authority is kept elsewhere; ${remedy}`);
  }
  try {
    return openAuthority({ certificate, key });
  } catch (cause) {
    throw new Error(`${join(folder, file)}.key`, { cause });
  }
}

async function applyStep(pki: ClusterPki, entry: PkiEntry, doors: Doors): Promise<void> {
  const write = async (contents: readonly string[]): Promise<void> => {
    const files = filesOf(entry).map(
      (file, at) => [pathOf(pki, entry, file), contents[at]] as const,
    );
    // The key goes first: a certificate that exists always has its key.
    for (const [path, content = ""] of files.toReversed())
      await writeFileAtomically(path, content, modeOf(path));
  };
  if (entry.make === "key-pair") {
    const { privateKey, publicKey } = (await existingKey(pki, entry)) ?? generateKeyPair();
    return write([publicKeyPem(publicKey), privateKeyPem(privateKey)]);
  }
  if (entry.make === "authority") {
    const { commonName } = entry;
    const keyPair = (await existingKey(pki, entry)) ?? generateKeyPair();
    const made = createAuthority({ commonName, keyPair, validForMs: authorityValidForMs }, doors);
    return write([made.certificate, made.key]);
  }
  const authority = await readAuthority(pki.folder, entry.authority);
  const { commonName, organizations } = entry;
  const issued = authority.issue(
    {
      subject: { commonName, organizations },
      ...(entry.make === "certificate" ? { names: entry.names } : {}),
      usages: entry.make === "certificate" ? entry.usages : ["client auth"],
      validForMs: leafValidForMs,
    },
    doors,
  );
  if (entry.make === "certificate") return write([issued.certificate, issued.key]);
  const config = kubeConfig({
    cluster: pki.clusterName,
    server: pki.serverUrl,
    authority: authority.certificate,
    user: commonName,
    credential: issued,
  });
  return write([kubeConfigText(config)]);
}

async function existingKey(pki: ClusterPki, entry: PkiEntry): Promise<KeyPair | undefined> {
  const pem = await readIfThere(join(pki.folder, `${entry.file}.key`));
  return pem === undefined ? undefined : parsePrivateKey(pem);
}

/** Certificates and public keys are for everybody; keys and kubeconfigs for their owner. */
const modeOf = (path: string): number =>
  path.endsWith(".crt") || path.endsWith(".pub") ? 0o644 : 0o600;
