/**
 * A request for a certificate: what it asks for is fixed, and so is who asked; what was decided
 * comes through /approval, the certificate through /status. Who may do which: `admission/`.
 */
import type {
  CertificateSigningRequest,
  CertificateSigningRequestSpec,
  CertificateSigningRequestStatus,
} from "../../../api/certificates/v1.ts";
import { certificateSigningRequests as ref } from "../../../api/resources.ts";
import {
  duplicate,
  forbidden,
  invalid,
  notSupported,
  required,
} from "../../machinery/field-error.ts";
import { readCertificate } from "../../pki/certificate.ts";
import { parseSigningRequest } from "../../pki/certificate-signing-request.ts";
import { decodePem, encodePem } from "../../pki/pem.ts";
import type { UserInfo } from "../auth-contract.ts";
import type { Resource } from "../resource.ts";
import { ageColumn, nameColumn, orNone, textColumn } from "./columns.ts";
import * as conditions from "./csr-conditions.ts";
import { humanDuration } from "../../machinery/human-duration.ts";
import { eachAt, type Errors, none } from "./rules.ts";
import { validateSignerName } from "./signer-name.ts";

/** The time for which a certificate is asked is no shorter. */
const expirationSecondsMin = 600;
const legacySigner = "kubernetes.io/legacy-unknown";
const usages = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
] as const;

const textOf = (base64: string): string => Buffer.from(base64, "base64").toString("latin1");

const complaintOf = (read: () => void): string | undefined => {
  try {
    read();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

function validateUsages(wanted: readonly string[]): Errors {
  const path = "spec.usages";
  const seen = new Set<string>();
  const known: readonly string[] = usages;
  return [
    ...(wanted.length === 0 ? [required(path)] : none),
    ...eachAt(path, wanted, (usage, at) =>
      known.includes(usage) ? none : [notSupported(at, usage, usages)],
    ),
    ...eachAt(path, wanted, (usage, at) => {
      if (seen.has(usage)) return [duplicate(at, usage)];
      seen.add(usage);
      return none;
    }),
  ];
}

function validateSigner(signerName: string): Errors {
  const path = "spec.signerName";
  if (signerName !== legacySigner) return validateSignerName(path, signerName);
  return [invalid(path, signerName, "the legacy signerName is not allowed via this API version")];
}

/** A spec never changes: once is enough. */
function validateSpec(spec: CertificateSigningRequestSpec): Errors {
  const { request, expirationSeconds } = spec;
  const why = complaintOf(() => parseSigningRequest(textOf(request)));
  const short = "may not specify a duration less than 600 seconds (10 minutes)";
  return [
    ...(why === undefined ? none : [invalid("spec.request", request, why)]),
    ...validateUsages(spec.usages ?? []),
    ...validateSigner(spec.signerName ?? ""),
    ...(expirationSeconds !== undefined && expirationSeconds < expirationSecondsMin
      ? [invalid("spec.expirationSeconds", expirationSeconds, short)]
      : none),
  ];
}

function readCertificates(pem: string): void {
  const blocks = decodePem(pem);
  if (blocks.length === 0) throw new Error("must contain at least one CERTIFICATE PEM block");
  for (const block of blocks) {
    if (block.label !== "CERTIFICATE") {
      const found = JSON.stringify(block.label);
      throw new Error(`only CERTIFICATE PEM blocks are allowed, found ${found}`);
    }
    readCertificate(encodePem(block));
  }
}

const certificateOf = ({ status }: CertificateSigningRequest): string => status?.certificate ?? "";

function validateCertificate(
  request: CertificateSigningRequest,
  before: CertificateSigningRequest,
  maySign: boolean,
): Errors {
  const [now, old] = [certificateOf(request), certificateOf(before)];
  if (now === old) return none;
  const path = "status.certificate";
  if (!maySign) return [forbidden(path, "updates may not set certificate content")];
  const errors = [];
  const why = now === "" ? undefined : complaintOf(() => readCertificates(textOf(now)));
  if (why !== undefined) errors.push(invalid(path, "<certificate data>", why));
  if (old !== "")
    errors.push(forbidden(path, "updates may not modify existing certificate content"));
  return errors;
}

/** Which parts of the status a way of writing may change. */
type May = { readonly approve: boolean; readonly sign: boolean };

const validateChange = (
  request: CertificateSigningRequest,
  before: CertificateSigningRequest,
  may: May,
): Errors => [
  ...conditions.validateConditions(request),
  ...conditions.validateConditionChanges(request, before, may.approve),
  ...validateCertificate(request, before, may.sign),
];

/** As kubectl shows it: Approved,Issued. */
function conditionText(request: CertificateSigningRequest): string {
  const types = new Set(conditions.conditionsOf(request).map(({ type }) => type));
  const decided = types.has("Denied") ? "Denied" : types.has("Approved") ? "Approved" : "Pending";
  const failed = types.has("Failed") ? ",Failed" : "";
  return `${decided}${failed}${certificateOf(request) === "" ? "" : ",Issued"}`;
}

function durationText({ spec }: CertificateSigningRequest): string {
  const seconds = spec.expirationSeconds;
  return seconds === undefined ? "<none>" : humanDuration(seconds * 1000);
}

/** Whoever sends it is who asks for it, whatever it says. */
function withRequester(
  request: CertificateSigningRequest,
  { name, uid, groups, extra }: UserInfo,
): CertificateSigningRequest {
  const { username: _name, uid: _uid, groups: _groups, extra: _extra, ...asked } = request.spec;
  const spec = {
    ...asked,
    username: name,
    ...(uid === "" ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(Object.keys(extra).length === 0 ? {} : { extra }),
  };
  return { ...request, spec };
}

const withStatus = (
  before: CertificateSigningRequest,
  sent: CertificateSigningRequest,
  { conditions: all = [], ...status }: CertificateSigningRequestStatus,
): CertificateSigningRequest => ({
  ...before,
  ...(sent.metadata === undefined ? {} : { metadata: sent.metadata }),
  status: { ...status, ...(all.length === 0 ? {} : { conditions: all }) },
});

/** What a write of /approval leaves: its conditions, and all else as it was. */
export const prepareApproval = (
  sent: CertificateSigningRequest,
  before: CertificateSigningRequest,
  nowMs: number,
): CertificateSigningRequest =>
  withStatus(before, sent, {
    ...before.status,
    conditions: conditions.withTimes(sent, before, nowMs),
  });

export const validateApproval = (
  request: CertificateSigningRequest,
  before: CertificateSigningRequest,
): Errors => validateChange(request, before, { approve: true, sign: false });

function prepareStatus(
  sent: CertificateSigningRequest,
  before: CertificateSigningRequest,
  nowMs: number,
): CertificateSigningRequest {
  const kept = conditions.keepApprovals(sent, before);
  const request = { ...sent, status: { ...sent.status, conditions: kept } };
  return withStatus(before, sent, {
    ...sent.status,
    conditions: conditions.withTimes(request, before, nowMs),
  });
}

const noSpec: CertificateSigningRequestSpec = { request: "", signerName: "" };

export const certificateSigningRequests: Resource<CertificateSigningRequest> = {
  ref,
  storagePrefix: "/registry/certificatesigningrequests",
  nameRule: "path-segment",
  columns: [
    nameColumn,
    ageColumn,
    textColumn("SignerName", ({ spec }) => orNone(spec.signerName)),
    textColumn("Requestor", ({ spec }) => spec.username ?? ""),
    textColumn("RequestedDuration", durationText),
    textColumn("Condition", conditionText),
  ],
  fieldLabels: { "spec.signerName": ({ spec }) => spec.signerName },
  // The decoder leaves out what the client left out, and all else here reads it.
  defaults: (request) =>
    (request.spec as unknown) === undefined ? { ...request, spec: noSpec } : request,
  withRequester,
  prepareForCreate: (request) => ({ ...request, status: {} }),
  prepareForUpdate: (request, before) => ({
    ...request,
    spec: before.spec,
    status: before.status ?? {},
  }),
  validate: (request, before) =>
    before === undefined
      ? [...validateSpec(request.spec), ...conditions.validateConditions(request)]
      : none,
  status: {
    prepareForUpdate: prepareStatus,
    validate: (request, before) => validateChange(request, before, { approve: false, sign: true }),
  },
};
