import { createHash } from "node:crypto";
import type { CertificateSigningRequest } from "../../api/certificates/v1.ts";
import { writeSigningRequest } from "./certificate-signing-request.ts";
import { publicKeyDer, type KeyPair } from "./keys.ts";

/** What a node asks the cluster to sign. */
export interface NodeCertificateRequest {
  readonly signer: "kubernetes.io/kube-apiserver-client-kubelet" | "kubernetes.io/kubelet-serving";
  readonly nodeName: string;
  /** DNS names and addresses; none for a client. */
  readonly names: readonly string[];
  readonly keyPair: KeyPair;
}

/** Named after its key: who asks twice for one key finds its own first request. */
export function nodeCertificateRequest({
  signer,
  nodeName,
  names,
  keyPair,
}: NodeCertificateRequest): CertificateSigningRequest & { readonly metadata: { name: string } } {
  const subject = { commonName: `system:node:${nodeName}`, organizations: ["system:nodes"] };
  const pem = writeSigningRequest({ subject, names }, keyPair);
  const digest = createHash("sha256").update(publicKeyDer(keyPair.publicKey)).digest("hex");
  const isClient = signer === "kubernetes.io/kube-apiserver-client-kubelet";
  return {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name: `${isClient ? "node-csr" : "node-serving"}-${digest.slice(0, 32)}` },
    spec: {
      request: Buffer.from(pem).toString("base64"),
      signerName: signer,
      usages: ["digital signature", isClient ? "client auth" : "server auth"],
    },
  };
}

/** The certificate (PEM) that was signed; undefined: not yet. Throws where it was refused. */
export function signedCertificate({ status }: CertificateSigningRequest): string | undefined {
  const refused = status?.conditions?.find(({ type }) => type === "Denied" || type === "Failed");
  if (refused !== undefined) {
    throw new Error(`${refused.type.toLowerCase()}: ${refused.message ?? refused.reason ?? ""}`);
  }
  return status?.certificate === undefined
    ? undefined
    : Buffer.from(status.certificate, "base64").toString("utf8");
}
