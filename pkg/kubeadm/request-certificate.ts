import { createHash } from "node:crypto";
import type { CertificateSigningRequest } from "../../api/certificates/v1.ts";
import { certificateSigningRequests } from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import type { Client } from "../client/client.ts";
import { isReason } from "../machinery/status-error.ts";
import { writeSigningRequest } from "../pki/certificate-signing-request.ts";
import { publicKeyDer, type KeyPair } from "../pki/keys.ts";
import { waitFor } from "./wait.ts";

export interface CertificateWanted {
  readonly signer: "kubernetes.io/kube-apiserver-client-kubelet" | "kubernetes.io/kubelet-serving";
  readonly nodeName: string;
  /** DNS names and addresses; none for a client. */
  readonly names: readonly string[];
  readonly keyPair: KeyPair;
  readonly timeoutMs: number;
}

export interface RequestDoors {
  readonly client: Client;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

/**
 * Asks the cluster to sign, and waits for the certificate (PEM). Throws with who must approve it.
 */
export async function requestCertificate(
  wanted: CertificateWanted,
  { client, clock, say }: RequestDoors,
  signal: AbortSignal,
): Promise<string> {
  const api = client.resource(certificateSigningRequests);
  const { name, object } = requestOf(wanted);
  await api.create(object, {}, signal).catch((error: unknown) => {
    // Named after its key: it is our own, of an earlier attempt.
    if (!isReason(error, "AlreadyExists")) throw error;
  });
  const remedy = `approve it with: tskubectl certificate approve ${name}`;
  const wait = { what: `the certificate ${name}`, timeoutMs: wanted.timeoutMs, clock, say, remedy };
  return await waitFor(
    wait,
    async () => {
      const { status } = await api.get({ name }, signal);
      const refused = status?.conditions?.find(
        ({ type }) => type === "Denied" || type === "Failed",
      );
      if (refused !== undefined) {
        throw new Error(
          `${refused.type.toLowerCase()}: ${refused.message ?? refused.reason ?? ""}`,
        );
      }
      if (status?.certificate === undefined) throw new Error("not approved and signed yet");
      return Buffer.from(status.certificate, "base64").toString("utf8");
    },
    signal,
  );
}

function requestOf({ signer, nodeName, names, keyPair }: CertificateWanted): {
  readonly name: string;
  readonly object: CertificateSigningRequest;
} {
  const subject = { commonName: `system:node:${nodeName}`, organizations: ["system:nodes"] };
  const pem = writeSigningRequest({ subject, names }, keyPair);
  const digest = createHash("sha256").update(publicKeyDer(keyPair.publicKey)).digest("hex");
  const isClient = signer === "kubernetes.io/kube-apiserver-client-kubelet";
  const name = `${isClient ? "node-csr" : "node-serving"}-${digest.slice(0, 32)}`;
  return {
    name,
    object: {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { name },
      spec: {
        request: Buffer.from(pem).toString("base64"),
        signerName: signer,
        usages: ["digital signature", isClient ? "client auth" : "server auth"],
      },
    },
  };
}
