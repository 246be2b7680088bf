import type {
  CertificateSigningRequest,
  CertificateSigningRequestStatus,
} from "../../../api/certificates/v1.ts";
import { certificateSigningRequests } from "../../../api/resources.ts";
import { done, type Context, type Program } from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import { openAuthority, type CertificateAndKey } from "../../pki/authority.ts";
import { readCertificate } from "../../pki/certificate.ts";
import { awaitsSignature, planSignature } from "./csr-plan.ts";
import { askedNames, pkcs10Of } from "./read-request.ts";

export interface CertificateSigning {
  /** The cluster's own authority, PEM. */
  readonly authority: CertificateAndKey;
  /** The longest certificate, milliseconds; a year unless told. */
  readonly lifeMsMax?: number;
}

const yearMs = 365 * 24 * 3_600_000;

/** Signs what was approved, for Kubernetes' own signers. Throws where the key is not the CA's. */
export function csrSigningController(settings: CertificateSigning): Program {
  const authority = openAuthority(settings.authority);
  const { notAfterMs } = readCertificate(settings.authority.certificate);
  const lifeMsMax = settings.lifeMsMax ?? yearMs;
  return defineController<CertificateSigningRequest>({
    name: "csr-signing",
    account: "certificate-controller",
    eventSource: "certificate-controller",
    reconciles: certificateSigningRequests,
    reads: [],
    writes: ["CertificateSigningRequest/status"],
    async reconcile(request, context, signal) {
      if (!awaitsSignature(request)) return done;
      const pkcs10 = pkcs10Of(request);
      const authorityLeftMs = notAfterMs - context.clock.now();
      if (authorityLeftMs <= 0) throw new Error("the cluster's authority has expired");
      const limits = { lifeMsMax, authorityLeftMs };
      const plan = planSignature(request, askedNames(pkcs10), limits);
      if (plan.do === "nothing") return done;
      if (plan.do === "fail") {
        await writeStatus(request, failed(request, plan.because), context, signal);
        return done;
      }
      const certificate = authority.sign({ ...plan, ...pkcs10 }, context);
      await writeStatus(request, { certificate: btoa(certificate) }, context, signal);
      return done;
    },
  });
}

function failed(
  { status }: CertificateSigningRequest,
  message: string,
): CertificateSigningRequestStatus {
  const failure = { type: "Failed", status: "True", reason: "SignerValidationFailure", message };
  return { conditions: [...(status?.conditions ?? []), failure] };
}

async function writeStatus(
  request: CertificateSigningRequest,
  change: CertificateSigningRequestStatus,
  { client }: Context,
  signal: AbortSignal,
): Promise<void> {
  const status = { ...request.status, ...change };
  const options = { subresource: "status" };
  await client.resource(certificateSigningRequests).update({ ...request, status }, options, signal);
}
