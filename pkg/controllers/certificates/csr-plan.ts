/**
 * What is to become of a request for a certificate: pure, over what the request says and what was
 * read out of its PKCS #10. Kubelets' requests must be exactly those that kubelets send, so that
 * who approves one knows whom it will make of its sender.
 */
import type { CertificateSigningRequest } from "../../../api/certificates/v1.ts";
import type { Node, Service } from "../../../api/core/v1.ts";
import type { EndpointSlice } from "../../../api/discovery/v1.ts";

export const signers = {
  client: "kubernetes.io/kube-apiserver-client",
  kubeletClient: "kubernetes.io/kube-apiserver-client-kubelet",
  kubeletServing: "kubernetes.io/kubelet-serving",
} as const;

/** What the PKCS #10 request asks to be called. */
export interface AskedNames {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** DNS names and IP addresses. */
  readonly names: readonly string[];
  readonly otherNames: readonly ("email" | "URI" | "other")[];
}

const nodesGroup = "system:nodes";
const nodePrefix = "system:node:";

const hour = 3_600_000;
/** How long a request is kept after its last decision, milliseconds; and a pending one. */
const keptMs = { decided: hour, pending: 24 * hour } as const;
/** The shortest certificate, whatever was asked for. */
const lifeMsMin = 600_000;

const conditions = ({ status }: CertificateSigningRequest) => status?.conditions ?? [];

export const hasCondition = (request: CertificateSigningRequest, type: string): boolean =>
  conditions(request).some((one) => one.type === type && one.status === "True");

const isIssued = ({ status }: CertificateSigningRequest): boolean =>
  (status?.certificate ?? "") !== "";

const isAddress = (name: string): boolean => name.includes(":") || /^\d+(\.\d+){3}$/.test(name);

/** Key encipherment is for RSA keys only, and so may be left out. */
function hasUsages({ spec }: CertificateSigningRequest, auth: "client auth" | "server auth") {
  const usages = new Set(spec.usages ?? []);
  const isExact = [...usages].every((usage) =>
    ["digital signature", "key encipherment", auth].includes(usage),
  );
  return isExact && usages.has("digital signature") && usages.has(auth);
}

const usagesWanted = (auth: string): string =>
  `usages did not match [digital signature key encipherment ${auth}]`;

const isOfNodes = ({ organizations }: AskedNames): boolean =>
  organizations.length === 1 && organizations[0] === nodesGroup;

/** Why this is no request of a kubelet for its client certificate; undefined: it is one. */
export function kubeletClientComplaint(
  request: CertificateSigningRequest,
  asked: AskedNames,
): string | undefined {
  const refused = (kind: string): string => `${kind} subjectAltNames are not allowed`;
  const { names, otherNames, commonName } = asked;
  if (!isOfNodes(asked)) return `subject organization is not ${nodesGroup}`;
  if (names.some((name) => !isAddress(name))) return refused("DNS");
  if (otherNames.includes("email")) return refused("Email");
  if (names.some(isAddress)) return refused("IP");
  if (otherNames.length > 0) return refused("URI");
  if (!commonName.startsWith(nodePrefix))
    return `subject common name does not begin with ${nodePrefix}`;
  return hasUsages(request, "client auth") ? undefined : usagesWanted("client auth");
}

/** The same for a kubelet's serving certificate. */
export function kubeletServingComplaint(
  request: CertificateSigningRequest,
  asked: AskedNames,
): string | undefined {
  const { names, otherNames, commonName } = asked;
  if (!isOfNodes(asked)) return `subject organization is not ${nodesGroup}`;
  if (names.length === 0) return "DNS or IP subjectAltName is required";
  if (otherNames.includes("email")) return "Email subjectAltNames are not allowed";
  if (otherNames.length > 0) return "URI subjectAltNames are not allowed";
  if (!hasUsages(request, "server auth")) return usagesWanted("server auth");
  return commonName.startsWith(nodePrefix)
    ? undefined
    : `subject common name does not begin with ${nodePrefix}`;
}

function clientComplaint({ spec }: CertificateSigningRequest): string | undefined {
  const usages = spec.usages ?? [];
  const other = usages.find(
    (usage) => !["digital signature", "key encipherment", "client auth"].includes(usage),
  );
  if (other !== undefined) return `invalid usage for client certificate: ${other}`;
  return usages.includes("client auth")
    ? undefined
    : "missing required usage for client certificate: client auth";
}

/** What a kubelet may ask for without a person: under which permission its sender must have. */
export interface AutoApproval {
  /** Of certificatesigningrequests, verb create. */
  readonly subresource: "nodeclient" | "selfnodeclient" | "selfnodeserver";
  readonly message: string;
}

/** What a node is known by; those of others it cannot have certified. */
export interface NodeNames {
  /** Its name and the IP addresses in its status. */
  readonly own: readonly string[];
  /** Addresses of API servers, of Services and of the other nodes. */
  readonly others: readonly string[];
}

/** The names under which pods reach Services, the API server's among them. */
const isServiceName = (name: string): boolean =>
  /^kubernetes(\.|$)/.test(name) || name.split(".").includes("svc");

const addressesOf = ({ status }: Node): readonly string[] =>
  (status?.addresses ?? []).map(({ address }) => address);

const addressesOfService = ({ spec, status }: Service): readonly string[] => [
  ...(spec?.clusterIPs ?? []),
  ...(spec?.externalIPs ?? []),
  ...(status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip])),
];

/**
 * What of a cluster decides under which names a node may serve. A node chooses its name when it
 * joins, and writes its status: so DNS names that it tells count for nothing, and its name does not
 * where it is one of a Service, which pods would take for the API server.
 */
export function namesOfNode(
  nodeName: string,
  cluster: {
    readonly nodes: readonly Node[];
    readonly services: readonly Service[];
    /** Of the API servers. */
    readonly servers: readonly EndpointSlice[];
  },
): NodeNames {
  const node = cluster.nodes.find(({ metadata }) => metadata?.name === nodeName);
  const names = isServiceName(nodeName) ? [] : [nodeName];
  return {
    own: node === undefined ? [] : [...names, ...addressesOf(node).filter(isAddress)],
    others: [
      ...cluster.servers.flatMap(({ endpoints }) =>
        (endpoints ?? []).flatMap(({ addresses }) => addresses),
      ),
      ...cluster.services.flatMap(addressesOfService),
      ...cluster.nodes.filter((one) => one !== node).flatMap(addressesOf),
    ],
  };
}

/** A kubelet that asks, as itself, to serve under names of its own and of nobody else. */
function servingApprovals(
  request: CertificateSigningRequest,
  asked: AskedNames,
  known: NodeNames,
): readonly AutoApproval[] {
  if (kubeletServingComplaint(request, asked) !== undefined) return [];
  if (request.spec.username !== asked.commonName) return [];
  const isOwn = (name: string): boolean => known.own.includes(name) && !known.others.includes(name);
  if (!asked.names.every(isOwn)) return [];
  const message = "Auto approving kubelet serving certificate after SubjectAccessReview.";
  return [{ subresource: "selfnodeserver", message }];
}

/**
 * In the order in which they are tried; empty: this is for people to approve. `known`: of the node
 * that the request names.
 */
export function autoApprovals(
  request: CertificateSigningRequest,
  asked: AskedNames,
  known: NodeNames = { own: [], others: [] },
): readonly AutoApproval[] {
  const { spec } = request;
  if (spec.signerName === signers.kubeletServing) return servingApprovals(request, asked, known);
  if (spec.signerName !== signers.kubeletClient) return [];
  if (kubeletClientComplaint(request, asked) !== undefined) return [];
  const node: AutoApproval = {
    subresource: "nodeclient",
    message: "Auto approving kubelet client certificate after SubjectAccessReview.",
  };
  if (spec.username !== asked.commonName) return [node];
  const self: AutoApproval = {
    subresource: "selfnodeclient",
    message: "Auto approving self kubelet client certificate after SubjectAccessReview.",
  };
  return [self, node];
}

/** May be approved without a person: a kubelet's kind of request, undecided, and not signed. */
export const awaitsApproval = (request: CertificateSigningRequest): boolean =>
  [signers.kubeletClient, signers.kubeletServing].some((one) => one === request.spec.signerName) &&
  !isIssued(request) &&
  !conditions(request).some(({ type }) => type === "Approved" || type === "Denied");

/** Ours to sign, approved, and neither signed nor given up. */
export const awaitsSignature = (request: CertificateSigningRequest): boolean =>
  Object.values<string>(signers).includes(request.spec.signerName) &&
  !isIssued(request) &&
  hasCondition(request, "Approved") &&
  !hasCondition(request, "Denied") &&
  !hasCondition(request, "Failed");

export type Signature =
  | { readonly do: "nothing" }
  | { readonly do: "fail"; readonly because: string }
  | {
      readonly do: "sign";
      readonly usages: readonly ("client auth" | "server auth")[];
      readonly validForMs: number;
    };

export interface SigningLimits {
  /** The longest certificate, milliseconds. */
  readonly lifeMsMax: number;
  /** Milliseconds that the authority itself is still good for. */
  readonly authorityLeftMs: number;
}

export function planSignature(
  request: CertificateSigningRequest,
  asked: AskedNames,
  limits: SigningLimits,
): Signature {
  const { signerName } = request.spec;
  if (!awaitsSignature(request)) return { do: "nothing" };
  const isServing = signerName === signers.kubeletServing;
  const because = isServing
    ? kubeletServingComplaint(request, asked)
    : signerName === signers.kubeletClient
      ? kubeletClientComplaint(request, asked)
      : clientComplaint(request);
  if (because !== undefined) return { do: "fail", because };
  return {
    do: "sign",
    usages: [isServing ? "server auth" : "client auth"],
    validForMs: lifeMs(request, limits),
  };
}

function lifeMs({ spec }: CertificateSigningRequest, limits: SigningLimits): number {
  const asked =
    spec.expirationSeconds === undefined ? limits.lifeMsMax : spec.expirationSeconds * 1000;
  const wanted = Math.min(Math.max(asked, lifeMsMin), limits.lifeMsMax);
  return Math.min(wanted, limits.authorityLeftMs);
}

/** When nobody will ask for it any more, milliseconds since the epoch; Infinity: not foreseen. */
export function forgetAtMs(request: CertificateSigningRequest, notAfterMs = Infinity): number {
  const after = (time: string | null | undefined, ms: number): number =>
    (time ?? "") === "" ? Infinity : Date.parse(time ?? "") + ms;
  const created = request.metadata?.creationTimestamp;
  const all = conditions(request);
  if (all.length === 0) return after(created, keptMs.pending);
  const times = all.map(({ type, lastUpdateTime }) => {
    if (type === "Denied" || type === "Failed") return after(lastUpdateTime, keptMs.decided);
    if (type !== "Approved") return Infinity;
    return isIssued(request)
      ? Math.min(after(lastUpdateTime, keptMs.decided), notAfterMs)
      : after(lastUpdateTime, keptMs.pending);
  });
  return Math.min(...times);
}
