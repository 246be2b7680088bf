/**
 * How a machine that knows a token and a hash learns of a cluster without being deceived: what it
 * reads first is read from a stranger, so nothing is sent to it, and nothing of it is believed
 * before the token's signature and the authority's hash are right. Pure but for what it is handed.
 */
import { createPublicKey } from "node:crypto";
import { parse } from "yaml";
import type { ConfigMap } from "../../api/core/v1.ts";
import { clusterInfo, type TokenText } from "../machinery/bootstrap-token.ts";
import { isSignedBy } from "../pki/detached-signature.ts";
import { publicKeyFingerprint } from "../pki/keys.ts";
import { decodePem, encodePem } from "../pki/pem.ts";

export interface Discovered {
  /** https://10.0.0.1:6443 */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  /** Of a discovery file that has a user. */
  readonly clientCertificate?: () => Promise<{
    readonly certificate: string;
    readonly key: string;
  }>;
  readonly token?: () => Promise<string>;
}

export interface Trust {
  readonly token: TokenText;
  /** sha256:… of authorities' public keys; empty: the token's signature alone is believed. */
  readonly caCertHashes: readonly string[];
}

/** Each message says what to do about it. */
export class DiscoveryError extends Error {
  override readonly name = "DiscoveryError";
}

/** There is no signature of that token, or not yet. */
export class UnknownToken extends DiscoveryError {}

/** Throws DiscoveryError where it is not the cluster that the token and the hash are of. */
export function readClusterInfo({ data = {} }: ConfigMap, trust: Trust): Discovered {
  const { token, caCertHashes } = trust;
  const kubeconfig = data[clusterInfo.kubeconfigKey] ?? "";
  const { server, authority } = readKubeconfig(kubeconfig);
  // The hash first: it does not depend on what the cluster says of itself.
  checkHashes(authority, caCertHashes);
  const signature = data[`${clusterInfo.signaturePrefix}${token.id}`];
  if (signature === undefined) {
    throw new UnknownToken(
      `the cluster does not know the token ${token.id}: it has ended or was never made there; ` +
        "make a new one with: tsadm token create --print-join-command",
    );
  }
  if (!isSignedBy(signature, kubeconfig, token)) {
    throw new DiscoveryError(
      `the cluster's signature is not of the token ${token.id}: its secret is another; ` +
        "copy the join command anew",
    );
  }
  return { server, authority };
}

interface ClusterPart {
  readonly clusters?: readonly {
    readonly cluster?: { readonly server?: string; readonly "certificate-authority-data"?: string };
  }[];
}

function readKubeconfig(text: string): Discovered {
  const [first] = (parse(text) as ClusterPart | null)?.clusters ?? [];
  const server = first?.cluster?.server;
  const authority = first?.cluster?.["certificate-authority-data"];
  if (server === undefined || authority === undefined) {
    throw new DiscoveryError("cluster-info names no server and authority: is it a tskube cluster?");
  }
  return { server, authority: Buffer.from(authority, "base64").toString("utf8") };
}

/** Every authority must be one of those that were named. */
function checkHashes(authority: string, hashes: readonly string[]): void {
  if (hashes.length === 0) return;
  const blocks = decodePem(authority).filter(({ label }) => label === "CERTIFICATE");
  const found = blocks.map((block) => publicKeyFingerprint(createPublicKey(encodePem(block))));
  const strange = found.find((hash) => !hashes.includes(hash.toLowerCase()));
  if (found.length > 0 && strange === undefined) return;
  throw new DiscoveryError(
    `the cluster's authority has the hash ${strange ?? "of none"}, not ${hashes.join(" or ")}: ` +
      "nothing was sent to it; this is another cluster, or somebody in between",
  );
}

const hashPattern = /^sha256:[0-9a-f]{64}$/;

/** Throws DiscoveryError where one has another form. */
export function checkHashForm(hashes: readonly string[]): void {
  const wrong = hashes.find((hash) => !hashPattern.test(hash));
  if (wrong === undefined) return;
  throw new DiscoveryError(
    `--discovery-token-ca-cert-hash ${wrong}: expected sha256: and 64 hex digits`,
  );
}
