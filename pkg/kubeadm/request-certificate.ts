import { certificateSigningRequests } from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import type { Client } from "../client/client.ts";
import { isReason } from "../machinery/status-error.ts";
import {
  nodeCertificateRequest,
  signedCertificate,
  type NodeCertificateRequest,
} from "../pki/node-certificate-request.ts";
import { waitFor } from "./wait.ts";

export interface CertificateWanted extends NodeCertificateRequest {
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
  const object = nodeCertificateRequest(wanted);
  const { name } = object.metadata;
  await api.create(object, {}, signal).catch((error: unknown) => {
    // Named after its key: it is our own, of an earlier attempt.
    if (!isReason(error, "AlreadyExists")) throw error;
  });
  const remedy = `approve it with: tskubectl certificate approve ${name}`;
  const wait = { what: `the certificate ${name}`, timeoutMs: wanted.timeoutMs, clock, say, remedy };
  return await waitFor(
    wait,
    async () => {
      const certificate = signedCertificate(await api.get({ name }, signal));
      if (certificate === undefined) throw new Error("not approved and signed yet");
      return certificate;
    },
    signal,
  );
}
