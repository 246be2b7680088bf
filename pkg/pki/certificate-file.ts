import { readdir, readFile, rename, rm, symlink } from "node:fs/promises";
import { basename, join } from "node:path";
import { syncFolder, writeFileAtomically } from "../files/atomic-file.ts";
import type { CertificateAndKey } from "./authority.ts";
import { encodePem, decodePem } from "./pem.ts";

/**
 * A certificate that is renewed while it is in use, with its key in one file, as kubelets keep
 * theirs: NAME-current.pem is a link to the newest of NAME-2026-11-21-18-17-00.pem. Whoever reads,
 * or is killed, finds a pair that belongs together.
 */
export interface CertificateFile {
  readonly folder: string;
  /** kubelet-client, kubelet-server */
  readonly name: string;
}

/** Where a node's kubelet keeps what it renews itself: below its data folder. */
export const kubeletCertificate = (
  dataFolder: string,
  name: "kubelet-client" | "kubelet-server",
): CertificateFile => ({ folder: join(dataFolder, "pki"), name });

/** The one before is kept, for whoever wants to know what it was. */
const keptMax = 2;

export const currentPath = ({ folder, name }: CertificateFile): string =>
  join(folder, `${name}-current.pem`);

/** Makes the pair the current one. `nowMs` names its file. */
export async function writeCertificateFile(
  file: CertificateFile,
  { certificate, key }: CertificateAndKey,
  nowMs: number,
): Promise<void> {
  const { folder, name } = file;
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replaceAll(/[T:]/g, "-");
  const path = join(folder, `${name}-${stamp}.pem`);
  await writeFileAtomically(path, `${certificate.trimEnd()}\n${key.trimEnd()}\n`, 0o600);
  const draft = `${currentPath(file)}.new`;
  await rm(draft, { force: true });
  await symlink(basename(path), draft);
  await rename(draft, currentPath(file));
  await syncFolder(folder);
  await removeOld(file, basename(path));
}

async function removeOld({ folder, name }: CertificateFile, current: string): Promise<void> {
  const own = new RegExp(`^${name}-\\d{4}-\\d\\d-\\d\\d-\\d\\d-\\d\\d-\\d\\d\\.pem$`);
  const older = (await readdir(folder)).filter((one) => own.test(one) && one !== current);
  for (const one of older
    .toSorted()
    .toReversed()
    .slice(keptMax - 1)) {
    await rm(join(folder, one), { force: true });
  }
}

/** Undefined: there is none. Throws where the file has not both. */
export async function readCertificateFile(
  file: CertificateFile,
): Promise<CertificateAndKey | undefined> {
  const path = currentPath(file);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  return text === undefined ? undefined : splitPem(text, path);
}

/** Certificates and key out of one text. Throws, naming `path`, where one of them is missing. */
export function splitPem(text: string, path: string): CertificateAndKey {
  const blocks = decodePem(text);
  const certificates = blocks.filter(({ label }) => label === "CERTIFICATE");
  const key = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (key === undefined || certificates.length === 0) {
    throw new Error(`${path} has no ${key === undefined ? "key" : "certificate"}`);
  }
  return { certificate: certificates.map(encodePem).join(""), key: encodePem(key) };
}
