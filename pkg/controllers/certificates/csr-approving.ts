import type { SubjectAccessReview } from "../../../api/authorization/v1.ts";
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import { certificateSigningRequests, subjectAccessReviews } from "../../../api/resources.ts";
import { done, requeueAfter, type Context } from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import { autoApprovals, isUndecided, type AutoApproval } from "./csr-plan.ts";
import { askedNames, pkcs10Of } from "./read-request.ts";

/** Who may not have its request approved now may after the next change of a role. */
const askAgainMs = 30_000;

/** Approves kubelets' requests for client certificates, of those who may have them by RBAC. */
export const csrApprovingController = defineController<CertificateSigningRequest>({
  name: "csr-approving",
  account: "certificate-controller",
  eventSource: "certificate-controller",
  reconciles: certificateSigningRequests,
  reads: [],
  writes: ["CertificateSigningRequest/approval"],
  async reconcile(request, context, signal) {
    if (!isUndecided(request)) return done;
    const ways = autoApprovals(request, askedNames(pkcs10Of(request)));
    for (const way of ways) {
      if (!(await mayHave(request, way, context, signal))) continue;
      await approve(request, way, context, signal);
      return done;
    }
    return ways.length === 0 ? done : requeueAfter(askAgainMs);
  },
});

async function mayHave(
  { spec }: CertificateSigningRequest,
  { subresource }: AutoApproval,
  { client }: Context,
  signal: AbortSignal,
): Promise<boolean> {
  const { username = "", uid, groups, extra } = spec;
  const review: SubjectAccessReview = {
    spec: {
      user: username,
      ...(uid === undefined ? {} : { uid }),
      ...(groups === undefined ? {} : { groups }),
      ...(extra === undefined ? {} : { extra }),
      resourceAttributes: {
        group: "certificates.k8s.io",
        version: "*",
        resource: "certificatesigningrequests",
        subresource,
        verb: "create",
      },
    },
  };
  const { status } = await client.resource(subjectAccessReviews).create(review, {}, signal);
  return status?.allowed === true;
}

async function approve(
  request: CertificateSigningRequest,
  { message }: AutoApproval,
  { client }: Context,
  signal: AbortSignal,
): Promise<void> {
  const approved = { type: "Approved", status: "True", reason: "AutoApproved", message };
  const conditions = [...(request.status?.conditions ?? []), approved];
  const status = { ...request.status, conditions };
  const options = { subresource: "approval" };
  await client.resource(certificateSigningRequests).update({ ...request, status }, options, signal);
}
