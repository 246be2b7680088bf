/**
 * The kubelet's own certificates: asked for, and renewed while they are in use. It never signs, and
 * never decides where a certificate is kept.
 */
import { certificateSigningRequests } from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import { chainOf } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import type { Client } from "../../client/client.ts";
import { isReason } from "../../machinery/status-error.ts";
import type { CertificateAndKey } from "../../pki/authority.ts";
import { readCertificate } from "../../pki/certificate.ts";
import { generateKeyPair, privateKeyPem } from "../../pki/keys.ts";
import {
  nodeCertificateRequest,
  signedCertificate,
  type NodeCertificateRequest,
} from "../../pki/node-certificate-request.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { planCertificate } from "./rotation-plan.ts";

export interface CertificateKeeperOptions {
  readonly signer: NodeCertificateRequest["signer"];
  readonly nodeName: string;
  /** What is in use; undefined: none yet. */
  readonly initial: CertificateAndKey | undefined;
  /** DNS names and addresses to be certified; rejects while the cluster does not know them. */
  readonly names: (signal: AbortSignal) => Promise<readonly string[]>;
  /** As the node. */
  readonly client: Client;
  /** With a bootstrap token, for who has let its certificate expire; undefined: there is none. */
  readonly bootstrap?: () => Promise<(Client & Disposable) | undefined>;
  /** Writes the pair down, and puts it into use. */
  readonly use: (pair: CertificateAndKey) => Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

const limits = {
  /** Between failed attempts: doubled each time. */
  retryFirstMs: 250,
  retryMostMs: 5 * 60_000,
  /** Whatever is signed: nobody is asked more often. */
  betweenMs: 10_000,
  /** A person may have to approve it. */
  signedWithinMs: 15 * 60_000,
  pollFirstMs: 50,
  pollMostMs: 5_000,
  /** Timers hold no more than 24 days, and clocks are set: so the plan is asked again. */
  sleepMostMs: 3_600_000,
} as const;

/** Keeps one certificate good until the signal aborts. */
export async function keepCertificate(
  options: CertificateKeeperOptions,
  signal: AbortSignal,
): Promise<void> {
  const { clock, random, logger, signer } = options;
  let { initial: current } = options;
  let fraction = random.fraction();
  let retryMs: number = limits.retryFirstMs;
  while (!signal.aborted) {
    let sleepMs = retryMs;
    try {
      const names = await options.names(signal);
      const facts = current === undefined ? undefined : readCertificate(current.certificate);
      const step = planCertificate(facts, names, fraction, clock.now());
      if (step.do === "wait") {
        sleepMs = Math.min(step.untilMs - clock.now(), limits.sleepMostMs);
      } else {
        logger.info({ signer, because: step.because }, "asking for a certificate");
        using borrowed = step.isExpired ? await bootstrapClient(options) : undefined;
        const made = await request(borrowed ?? options.client, names, options, signal);
        await options.use(made);
        current = made;
        fraction = random.fraction();
        sleepMs = limits.betweenMs;
      }
      retryMs = limits.retryFirstMs;
    } catch (error) {
      if (signal.aborted) return;
      logger.warn({ signer, error: chainOf(error), againInMs: retryMs }, "no certificate yet");
      sleepMs = retryMs;
      retryMs = Math.min(retryMs * 2, limits.retryMostMs);
    }
    await clock.sleep(sleepMs, signal).catch(() => undefined);
  }
}

/** Undefined: the node's own will do. */
async function bootstrapClient({
  signer,
  bootstrap,
  nodeName,
}: CertificateKeeperOptions): Promise<(Client & Disposable) | undefined> {
  // A serving certificate is asked for as the node, whose own credential may well be good.
  if (signer === "kubernetes.io/kubelet-serving") return undefined;
  const found = await bootstrap?.();
  if (found !== undefined) return found;
  throw new Error(
    `the node's certificate has expired: put a bootstrap-kubelet.conf with a new token beside ` +
      `kubelet.conf, or: tskubectl delete node ${nodeName}, tsadm reset and tsadm join here`,
  );
}

async function request(
  client: Client,
  names: readonly string[],
  { signer, nodeName, clock }: CertificateKeeperOptions,
  signal: AbortSignal,
): Promise<CertificateAndKey> {
  const keyPair = generateKeyPair();
  const api = client.resource(certificateSigningRequests);
  const object = nodeCertificateRequest({ signer, nodeName, names, keyPair });
  const { name } = object.metadata;
  await api.create(object, {}, signal).catch((error: unknown) => {
    if (!isReason(error, "AlreadyExists")) throw error;
  });
  const until = clock.monotonic() + limits.signedWithinMs;
  for (let pollMs: number = limits.pollFirstMs; ;) {
    const certificate = signedCertificate(await api.get({ name }, signal));
    if (certificate !== undefined) return { certificate, key: privateKeyPem(keyPair.privateKey) };
    if (clock.monotonic() > until) {
      throw new Error(`${name} is not approved; approve it with: tskubectl certificate approve`);
    }
    await clock.sleep(pollMs, signal);
    pollMs = Math.min(pollMs * 2, limits.pollMostMs);
  }
}
