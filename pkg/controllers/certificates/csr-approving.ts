import type { SubjectAccessReview } from "../../../api/authorization/v1.ts";
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import {
  certificateSigningRequests,
  endpointSlices,
  nodes,
  services,
  subjectAccessReviews,
} from "../../../api/resources.ts";
import { done, reads, requeueAfter, type Context } from "../../controller/controller.ts";
import { defineController } from "../../controller/run-controller.ts";
import {
  autoApprovals,
  awaitsApproval,
  namesOfNode,
  type AskedNames,
  type AutoApproval,
  type NodeNames,
} from "./csr-plan.ts";
import { askedNames, pkcs10Of } from "./read-request.ts";

/** Who may not have its request approved now may after the next change of a role. */
const askAgainMs = 30_000;
const byUser = "user";

/** Approves kubelets' requests, of those who may have the certificates by RBAC. */
export const csrApprovingController = defineController<CertificateSigningRequest>({
  name: "csr-approving",
  account: "certificate-controller",
  eventSource: "certificate-controller",
  reconciles: certificateSigningRequests,
  indexes: { [byUser]: ({ spec }) => [spec.username ?? ""] },
  reads: [
    // A node that asks for its serving certificate may not have told its addresses yet.
    reads(nodes, ({ metadata }, lookup) =>
      lookup
        .informer(certificateSigningRequests)
        .byIndex(byUser, `system:node:${metadata?.name ?? ""}`)
        .filter(awaitsApproval)
        .map((request) => request.metadata?.name ?? ""),
    ),
    reads(endpointSlices),
    reads(services),
  ],
  writes: ["CertificateSigningRequest/approval"],
  async reconcile(request, context, signal) {
    // Other signers' requests may be of kinds that we cannot even read.
    if (!awaitsApproval(request)) return done;
    const asked = askedNames(pkcs10Of(request));
    const ways = autoApprovals(request, asked, namesOf(asked, context));
    for (const way of ways) {
      if (!(await mayHave(request, way, context, signal))) continue;
      await approve(request, way, context, signal);
      return done;
    }
    return ways.length === 0 ? done : requeueAfter(askAgainMs);
  },
});

/** Of the node that a kubelet says it is: the prefix of its user name is nobody's part of it. */
function namesOf({ commonName }: AskedNames, context: Context): NodeNames {
  const servers = context
    .informer(endpointSlices)
    .list("default")
    .filter(({ metadata }) => metadata?.labels?.["kubernetes.io/service-name"] === "kubernetes");
  return namesOfNode(commonName.replace(/^system:node:/, ""), {
    nodes: context.informer(nodes).list(),
    services: context.informer(services).list(),
    servers,
  });
}

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
