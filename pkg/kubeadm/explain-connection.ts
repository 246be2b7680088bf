import { isReason } from "../machinery/status-error.ts";
import { DiscoveryError } from "./discovery.ts";

/** Node's and OpenSSL's codes of a chain of causes, outermost first. */
function codesOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return [];
  const own = "code" in error && typeof error.code === "string" ? [error.code] : [];
  const inner = error instanceof AggregateError ? error.errors.flatMap(codesOf) : [];
  return [...own, ...inner, ...codesOf(error.cause)];
}

/** Code → what to do. `host` is without its port. */
const remedies: Readonly<Record<string, (server: string, host: string) => string>> = {
  ECONNREFUSED: (server) =>
    `nobody listens at ${server}: is the address right, is the control plane up ` +
    "(tskubectl get --raw /readyz there)?",
  ENETUNREACH: noRoute,
  EHOSTUNREACH: noRoute,
  ETIMEDOUT: noRoute,
  ENOTFOUND: (_, host) => `the name ${host} is not known: is it right, does DNS work here?`,
  EAI_AGAIN: (_, host) => `the name ${host} is not known: is it right, does DNS work here?`,
  ERR_TLS_CERT_ALTNAME_INVALID: (server, host) =>
    `the API server's certificate is not for ${host}: reach it under one of its names, or give it ` +
    `this one on the control plane (tsadm init --apiserver-cert-extra-sans=${host}; for ${server})`,
  CERT_NOT_YET_VALID: badClock,
  CERT_HAS_EXPIRED: badClock,
  SELF_SIGNED_CERT_IN_CHAIN: anotherAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: anotherAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: anotherAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: anotherAuthority,
  CERT_SIGNATURE_FAILURE: anotherAuthority,
};

function noRoute(server: string, host: string): string {
  return (
    `no cluster answers at ${server}: is the address right, does a route exist ` +
    `(ip route get ${host}), does a firewall stand between?`
  );
}

function badClock(server: string): string {
  return (
    `the certificate of ${server} is not valid by this machine's clock: set the clock ` +
    "(timedatectl set-ntp true), or renew it there (tsadm certs renew apiserver)"
  );
}

function anotherAuthority(server: string): string {
  return (
    `the certificate of ${server} is of another authority than was told: nothing was sent to it; ` +
    "this is another cluster, or somebody in between"
  );
}

/** Nobody answered: a cluster that is just starting, perhaps. */
export class NoAnswer extends DiscoveryError {}

const unanswered = ["ECONNREFUSED", "ENETUNREACH", "EHOSTUNREACH", "ETIMEDOUT", "EAI_AGAIN"];

/** Why a cluster could not be spoken to, with what to do about it. Pure. */
export function explainConnection(server: string, cause: unknown): DiscoveryError {
  const { hostname } = new URL(server);
  const code = codesOf(cause).find((one) => remedies[one] !== undefined);
  const remedy = code === undefined ? undefined : remedies[code];
  if (code !== undefined && remedy !== undefined) {
    const Explained = unanswered.includes(code) ? NoAnswer : DiscoveryError;
    return new Explained(remedy(server, hostname), { cause });
  }
  if (isReason(cause, "NotFound") || isReason(cause, "Forbidden")) {
    const because = `${server} answers, but tells strangers nothing of a cluster`;
    return new DiscoveryError(`${because}: was it made by tsadm or kubeadm?`, { cause });
  }
  return new NoAnswer(noRoute(server, hostname), { cause });
}

/** A token may end or be deleted between any two questions; other failures are their own. Pure. */
export function explainToken(cause: unknown): Error {
  if (!isReason(cause, "Unauthorized")) {
    return cause instanceof Error ? cause : new Error(String(cause));
  }
  const remedy = "make a new token with: tsadm token create --print-join-command";
  return new DiscoveryError(
    `the cluster does not take the token, which may have ended: ${remedy}`,
    { cause },
  );
}
