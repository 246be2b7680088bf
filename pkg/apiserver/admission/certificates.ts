/**
 * Who may decide about requests for certificates, and who may sign them: by the verbs "approve" and
 * "sign" on the signer that a request names. And what nobody gets that way: membership of
 * system:masters, which no later change of a role could take back.
 */
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import { isSemanticallyEqual } from "../../machinery/equality.ts";
import { parseSigningRequest } from "../../pki/certificate-signing-request.ts";
import { callerMay } from "../auth/rbac-view.ts";
import { mastersGroup } from "../auth-contract.ts";
import { forbiddenObject } from "../refusals.ts";
import type { Admission, AdmissionPlugin } from "./admission.ts";

const group = "certificates.k8s.io";
const resources = [`certificatesigningrequests.${group}`];
/** Its certificates are for users and programs, who become whom the subject names. */
const clientSigner = "kubernetes.io/kube-apiserver-client";

/** By the signer's own name, or by example.com/* for all signers of a domain. */
async function isAllowed(admission: Admission, verb: string, signerName: string): Promise<boolean> {
  const [domain = ""] = signerName.split("/");
  for (const name of [signerName, `${domain}/*`]) {
    const asked = { verb, apiGroup: group, resource: "signers", namespace: "", name };
    if (await callerMay(admission, asked)) return true;
  }
  return false;
}

/** The signer is that of the request as it is: nobody chooses another by writing it. */
async function check(admission: Admission, verb: string): Promise<void> {
  const { before, resource, name } = admission;
  const { signerName } = (before as CertificateSigningRequest).spec;
  if (await isAllowed(admission, verb, signerName)) return;
  const which = `requests with signerName ${JSON.stringify(signerName)}`;
  throw forbiddenObject(resource.ref, name, `user not permitted to ${verb} ${which}`);
}

export const certificateApproval: AdmissionPlugin = {
  name: "CertificateApproval",
  verbs: ["update"],
  resources,
  validate: async (admission) => {
    if (admission.subresource === "approval") await check(admission, "approve");
  },
};

export const certificateSigning: AdmissionPlugin = {
  name: "CertificateSigning",
  verbs: ["update"],
  resources,
  validate: async (admission) => {
    if (admission.subresource !== "status") return;
    const { status: now } = admission.object as CertificateSigningRequest;
    const { status: old } = admission.before as CertificateSigningRequest;
    const isSame =
      now?.certificate === old?.certificate &&
      isSemanticallyEqual(now?.conditions, old?.conditions);
    if (!isSame) await check(admission, "sign");
  },
};

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: "CertificateSubjectRestriction",
  verbs: ["create"],
  resources,
  validate: ({ object, resource, name }) => {
    const { spec } = object as CertificateSigningRequest;
    if (spec.signerName !== clientSigner) return;
    const { subject } = parseSigningRequest(Buffer.from(spec.request, "base64").toString("latin1"));
    if (!subject.organizations.includes(mastersGroup)) return;
    const why = `use of ${clientSigner} signer with ${mastersGroup} group is not allowed`;
    throw forbiddenObject(resource.ref, name, why);
  },
};
