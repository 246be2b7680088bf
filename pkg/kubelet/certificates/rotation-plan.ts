/** When a kubelet asks for another certificate. Pure. */
export interface CurrentCertificate {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** DNS names and addresses; none of a client. */
  readonly names: readonly string[];
}

export type CertificateStep =
  | { readonly do: "request"; readonly because: string; readonly isExpired: boolean }
  | { readonly do: "wait"; readonly untilMs: number };

/** Of its life, after which it is renewed: each node at another instant between these. */
export const rotationShare = { from: 0.7, to: 0.9 } as const;

/** `fraction`: chance in [0, 1), the same one for as long as the certificate is in use. */
export function planCertificate(
  current: CurrentCertificate | undefined,
  wantedNames: readonly string[],
  fraction: number,
  nowMs: number,
): CertificateStep {
  if (current === undefined) {
    return { do: "request", because: "there is none yet", isExpired: false };
  }
  const { notAfterMs, names } = current;
  if (notAfterMs <= nowMs) return { do: "request", because: "it has expired", isExpired: true };
  const lacking = wantedNames.find((name) => !names.includes(name));
  if (lacking !== undefined) {
    return { do: "request", because: `it lacks the name ${lacking}`, isExpired: false };
  }
  const share = rotationShare.from + (rotationShare.to - rotationShare.from) * fraction;
  const startMs = bornAtMs(current);
  const untilMs = startMs + (notAfterMs - startMs) * share;
  return untilMs > nowMs
    ? { do: "wait", untilMs }
    : { do: "request", because: "most of its life is over", isExpired: false };
}

/** Signers write a beginning that lies some minutes back, for whoever's clock is slow. */
const backdatedMs = 5 * 60_000;

/** A short life would else seem to be over at its birth. */
const bornAtMs = ({ notBeforeMs, notAfterMs }: CurrentCertificate): number =>
  notBeforeMs + backdatedMs < notAfterMs ? notBeforeMs + backdatedMs : notBeforeMs;
