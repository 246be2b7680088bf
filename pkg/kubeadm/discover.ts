import { readFile } from "node:fs/promises";
import type { ConfigMap } from "../../api/core/v1.ts";
import { configMaps } from "../../api/resources.ts";
import type { Clock } from "../base/clock.ts";
import type { Client } from "../client/client.ts";
import { chooseContext, parseKubeconfig } from "../client/kubeconfig.ts";
import { clusterInfo } from "../machinery/bootstrap-token.ts";
import { clockSkewMs, readCertificate } from "../pki/certificate.ts";
import { openClient, serverTimeMs } from "./cluster-client.ts";
import { DiscoveryError, readClusterInfo, UnknownToken, type Discovered } from "./discovery.ts";
import { explainConnection, NoAnswer } from "./explain-connection.ts";
import type { JoinContext, Learned } from "./join-spec.ts";
import { within } from "./wait.ts";

const limits = {
  /** A network that swallows everything is given up after this; a refusal comes at once. */
  answerMs: 15_000,
  /** A token that was made a moment ago: the cluster's signature for it follows. */
  signatureMs: 5_000,
  signaturePollMs: 250,
  /** Between attempts at a cluster that does not answer. */
  againMs: 2_000,
} as const;

/**
 * Certificates are valid from some minutes before they were made on. A machine whose clock is
 * further behind than that, but for one minute for the way, would not believe a new one.
 */
export const clockDifferenceMsMax = clockSkewMs - 60_000;

/**
 * Where the cluster is and who signs there. Throws DiscoveryError with what to do about it; a
 * cluster that does not answer is asked again for as long as a configuration file says.
 */
export async function discover(context: JoinContext): Promise<Discovered> {
  const { spec, clock, say, signal } = context;
  const until = clock.monotonic() + (spec.timeouts?.discoveryMs ?? 0);
  for (let isTold = false; ; isTold = true) {
    try {
      return await discoverOnce(context);
    } catch (error) {
      if (!(error instanceof NoAnswer) || clock.monotonic() > until) throw error;
      if (!isTold) say(`[discovery] ${error.message}; asking again`);
    }
    await clock.sleep(limits.againMs, signal);
  }
}

async function discoverOnce(context: JoinContext): Promise<Discovered> {
  const { discovery } = context.spec;
  const found =
    discovery.by === "file"
      ? await discoverByFile(discovery.place, context)
      : await discoverByToken(discovery, context);
  await checkClock(found, context);
  return found;
}

async function discoverByToken(
  { endpoint, trust }: Extract<JoinContext["spec"]["discovery"], { by: "token" }>,
  context: JoinContext,
): Promise<Discovered> {
  const { clock, signal } = context;
  const until = clock.monotonic() + limits.signatureMs;
  for (;;) {
    const info = await askStranger(endpoint, context);
    try {
      return readClusterInfo(info, trust);
    } catch (error) {
      if (!(error instanceof UnknownToken) || clock.monotonic() > until) throw error;
    }
    await clock.sleep(limits.signaturePollMs, signal);
  }
}

/** Asked anonymously, and of somebody not yet known: nothing is sent but the question. */
async function askStranger(
  endpoint: string,
  { clock, signal }: Pick<JoinContext, "clock" | "signal">,
): Promise<ConfigMap> {
  const server = `https://${endpoint}`;
  using client = openClient({ server, insecureSkipTlsVerify: true }, clock);
  const { namespace, name } = clusterInfo;
  try {
    return await within({ ms: limits.answerMs, clock }, signal, (inner) =>
      client.resource(configMaps).get({ namespace, name }, inner),
    );
  } catch (cause) {
    signal.throwIfAborted();
    throw explainConnection(server, cause);
  }
}

async function discoverByFile(place: string, context: JoinContext): Promise<Discovered> {
  const { clock, signal } = context;
  const text = await readPlace(place, context);
  const config = await parseKubeconfig(text, place);
  const [first] = config.clusters ?? [];
  const isChosen = (config["current-context"] ?? "") !== "";
  const cluster = isChosen || first === undefined ? {} : { cluster: first.name };
  const { access } = chooseContext(config, clock, cluster);
  const authority = await access.certificateAuthority?.();
  if (authority === undefined) {
    throw new DiscoveryError(`${place} names no authority: what it says cannot be believed`);
  }
  const { server, clientCertificate, token } = access;
  const found: Discovered = {
    server,
    authority,
    ...(clientCertificate === undefined ? {} : { clientCertificate }),
    ...(token === undefined ? {} : { token }),
  };
  await checkServer(found, clock, signal);
  return found;
}

/** That somebody with a certificate of the file's authority answers, before anything is sent. */
async function checkServer(found: Discovered, clock: Clock, signal: AbortSignal): Promise<void> {
  const { server, authority } = found;
  try {
    await within({ ms: limits.answerMs, clock }, signal, (inner) =>
      serverTimeMs({ server, certificateAuthority: async () => authority }, clock, inner),
    );
  } catch (cause) {
    signal.throwIfAborted();
    throw explainConnection(server, cause);
  }
}

async function readPlace(place: string, { fetchText, signal }: JoinContext): Promise<string> {
  try {
    return /^https?:\/\//.test(place)
      ? await fetchText(place, signal)
      : await readFile(place, "utf8");
  } catch (cause) {
    throw new DiscoveryError(
      `the discovery file ${place} cannot be read: copy the cluster's admin kubeconfig without ` +
        "its users, or use --token",
      { cause },
    );
  }
}

/** By the date of the server's answers and of its authority, before a certificate is asked for. */
async function checkClock(
  { server, authority }: Discovered,
  { clock, signal }: Pick<JoinContext, "clock" | "signal">,
): Promise<void> {
  const access = { server, insecureSkipTlsVerify: true };
  const theirs = await within({ ms: limits.answerMs, clock }, signal, (inner) =>
    serverTimeMs(access, clock, inner),
  ).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw explainConnection(server, cause);
  });
  const wrong = clockProblem(clock.now(), theirs, readCertificate(authority));
  if (wrong !== undefined) throw new DiscoveryError(wrong);
}

/** Undefined: the clocks go together. Pure. */
export function clockProblem(
  nowMs: number,
  theirsMs: number | undefined,
  authority: { readonly notBeforeMs: number; readonly notAfterMs: number },
): string | undefined {
  const remedy = "set it first (timedatectl set-ntp true), or certificates will not be valid";
  const differenceMs = nowMs - (theirsMs ?? nowMs);
  if (Math.abs(differenceMs) > clockDifferenceMsMax) {
    const direction = differenceMs > 0 ? "ahead of" : "behind";
    const seconds = Math.round(Math.abs(differenceMs) / 1000);
    return `this machine's clock is ${seconds} s ${direction} the cluster's: ${remedy}`;
  }
  if (nowMs < authority.notBeforeMs) {
    return `the cluster's authority is not valid yet by this machine's clock: ${remedy}`;
  }
  if (nowMs <= authority.notAfterMs) return undefined;
  return "the cluster's authority has expired: renew it before machines join";
}

/** Over TLS that is held against the authority, as the bearer of the token or of the file. */
export function asJoiner(
  { spec, clock }: Pick<JoinContext, "spec" | "clock">,
  { found }: Learned,
): Client & Disposable {
  if (found === undefined) throw new Error("run the phase discovery first");
  const { server, authority, clientCertificate, token } = found;
  const { bearer } = spec;
  const credential =
    bearer !== undefined
      ? { token: async () => bearer }
      : {
          ...(token === undefined ? {} : { token }),
          ...(clientCertificate === undefined ? {} : { clientCertificate }),
        };
  if (Object.keys(credential).length === 0) {
    throw new DiscoveryError(
      "there is nobody to ask for the certificate as (a discovery file may have a user): say " +
        "--tls-bootstrap-token, which tsadm token create makes",
    );
  }
  return openClient({ server, certificateAuthority: async () => authority, ...credential }, clock);
}
