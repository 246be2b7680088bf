/** Which of a cluster's PKI files must be written, and why: pure. */
import {
  clusterEntries,
  type AuthorityEntry,
  type ClusterPki,
  type PkiEntry,
} from "./cluster-pki.ts";

/** What a file that exists says; its path is the key. Keys and kubeconfigs count as files too. */
export interface FileFacts {
  /** Of the certificate in it; absent for keys. */
  readonly notAfterMs?: number;
  readonly names?: readonly string[];
  /** Why only a person can say what is to become of it. */
  readonly problem?: string;
  /** Of a certificate: the key beside it is another's, as a kill between two writes leaves it. */
  readonly hasForeignKey?: boolean;
}

/** Paths relative to the PKI folder, kubeconfigs relative to theirs. */
export type ExistingFiles = ReadonlyMap<string, FileFacts>;

export interface PkiStep {
  readonly entry: PkiEntry;
  readonly because: string;
}

export interface PkiPlan {
  readonly steps: readonly PkiStep[];
  /** What cannot be put right by writing: an authority that is about to end, or lost its key. */
  readonly problems: readonly string[];
}

/** A leaf with less than this left is written anew at the next start. */
export const renewBeforeMs = 30 * 24 * 3_600_000;

/** The files of one entry, the public one first: all of them, or it counts as missing. */
export function filesOf(entry: PkiEntry): readonly string[] {
  if (entry.make === "kubeconfig") return [entry.file];
  return [`${entry.file}.${entry.make === "key-pair" ? "pub" : "crt"}`, `${entry.file}.key`];
}

/**
 * Writes what is missing and keeps what exists. Leaves are renewed when they end soon or lack a
 * name that is wanted; an authority is never replaced by itself, since everything trusts it.
 */
export function planClusterPki(pki: ClusterPki, existing: ExistingFiles, nowMs: number): PkiPlan {
  const steps: PkiStep[] = [];
  const problems: string[] = [];
  const fresh = new Set<string>();
  /** Authorities that are kept elsewhere, and what is missing of what they sign. */
  const external = new Map<string, string[]>();
  for (const entry of clusterEntries(pki)) {
    const problem = problemOf(entry, existing, nowMs);
    if (problem !== undefined) {
      problems.push(problem);
      continue;
    }
    const isStale = "authority" in entry && fresh.has(entry.authority);
    const because = isStale
      ? `its authority ${entry.authority} is new`
      : reasonToWrite(entry, existing, nowMs);
    if (entry.make === "authority" && isExternal(entry, existing)) {
      external.set(entry.file, []);
      continue;
    }
    if (because === undefined) continue;
    const elsewhere = "authority" in entry ? external.get(entry.authority) : undefined;
    if (elsewhere !== undefined) {
      elsewhere.push(because);
      continue;
    }
    steps.push({ entry, because });
    if (entry.make === "authority") fresh.add(entry.file);
  }
  for (const [authority, missing] of external) {
    if (missing.length > 0) problems.push(unsigned(authority, missing));
  }
  return { steps, problems };
}

const unsigned = (authority: string, missing: readonly string[]): string =>
  `${authority}.key is not here to sign what is needed (${missing.join(", ")}): ` +
  "have requests signed where it is (tsadm certs generate-csr)";

/**
 * An authority whose key is kept elsewhere (kubeadm's external CA mode): all that it has signed
 * must be there.
 */
export function isExternal(
  entry: Pick<AuthorityEntry, "make" | "file">,
  existing: Pick<ExistingFiles, "has">,
): boolean {
  return existing.has(`${entry.file}.crt`) && !existing.has(`${entry.file}.key`);
}

function problemOf(entry: PkiEntry, existing: ExistingFiles, nowMs: number): string | undefined {
  const problem = filesOf(entry)
    .map((file) => existing.get(file)?.problem)
    .find((one) => one !== undefined);
  if (problem !== undefined) return problem;
  if (entry.make !== "authority" && entry.make !== "key-pair") return undefined;
  const [shown = "", key = ""] = filesOf(entry);
  // A key alone is what a kill between two writes leaves: its other half is made from it. The other
  // half alone is in use somewhere: a new key would cut off everything that was signed with the
  // old. An authority may be kept elsewhere; the key of tokens is needed at every start.
  const isAlone = existing.has(shown) && !existing.has(key);
  if (isAlone && entry.make === "key-pair") return `${shown} exists without ${key}`;
  const notAfterMs = existing.get(shown)?.notAfterMs ?? Infinity;
  return notAfterMs <= nowMs ? `authority ${shown} has expired` : undefined;
}

function reasonToWrite(
  entry: PkiEntry,
  existing: ExistingFiles,
  nowMs: number,
): string | undefined {
  const missing = filesOf(entry).find((file) => !existing.has(file));
  if (missing !== undefined) return `${missing} is missing`;
  if (entry.make === "authority" || entry.make === "key-pair") return undefined;
  const [file = ""] = filesOf(entry);
  const facts = existing.get(file) ?? {};
  if (facts.hasForeignKey === true) return `${file} is of another key`;
  if ((facts.notAfterMs ?? 0) - nowMs < renewBeforeMs) return `${file} ends soon`;
  if (entry.make === "kubeconfig") return undefined;
  const lacking = entry.names.find((name) => facts.names?.includes(name) !== true);
  return lacking === undefined ? undefined : `${file} lacks the name ${lacking}`;
}
