import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import { certificateSigningRequests } from "../../../api/resources.ts";
import { done, requeueAfter } from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import { isReason } from "../../machinery/status-error.ts";
import { readCertificate } from "../../pki/certificate.ts";
import { forgetAtMs } from "./csr-plan.ts";

/** A time further off than this is looked at again then. */
const lookAgainMs = 24 * 3_600_000;

/** Deletes requests that are done with: decided an hour ago, pending for a day, or expired. */
export const csrCleanerController = defineController<CertificateSigningRequest>({
  name: "csr-cleaner",
  account: "certificate-controller",
  eventSource: "certificate-controller",
  reconciles: certificateSigningRequests,
  reads: [],
  writes: ["CertificateSigningRequest/end"],
  async reconcile(request, { client, clock }, signal) {
    const leftMs = forgetAtMs(request, notAfterMs(request)) - clock.now();
    if (leftMs > 0) return requeueAfter(Math.min(leftMs, lookAgainMs));
    const { name = "", uid } = request.metadata ?? {};
    const preconditions = uid === undefined ? {} : { preconditions: { uid } };
    await client
      .resource(certificateSigningRequests)
      .delete({ name }, preconditions, signal)
      .catch((error: unknown) => {
        if (!isReason(error, "NotFound", "Conflict")) throw error;
      });
    return done;
  },
});

function notAfterMs({ status }: CertificateSigningRequest): number | undefined {
  if ((status?.certificate ?? "") === "") return undefined;
  try {
    return readCertificate(atob(status?.certificate ?? "")).notAfterMs;
  } catch {
    // Signed by somebody whose certificates we cannot read: the other rules are enough.
    return undefined;
  }
}
