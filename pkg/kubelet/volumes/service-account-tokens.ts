import type { TokenRequest } from "../../../api/authentication/v1.ts";
import type { Pod, ServiceAccountTokenProjection } from "../../../api/core/v1.ts";
import { serviceAccounts } from "../../../api/resources.ts";
import type { Clock } from "../../base/clock.ts";
import type { Client } from "../../client/client.ts";
import { nameOf, namespaceOf, uidOf } from "../pods/pod-spec.ts";
import type { PodToken } from "./pod-token.ts";

/** A token is replaced when this part of its life is over … */
const renewAtShare = 0.8;
/** … or when it is a day old. */
const renewAgeMsMax = 24 * 60 * 60 * 1000;
const expirationSecondsDefault = 3600;

/** Tokens of pods' service accounts, bound to their pods; asked for again before they end. */
export class ServiceAccountTokens {
  readonly #client: Client;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, Promise<PodToken>>();

  constructor(client: Client, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** A token that is fresh enough. Rejects as the API server refuses. */
  async get(pod: Pod, projection: ServiceAccountTokenProjection): Promise<PodToken> {
    const { audience, expirationSeconds } = projection;
    const key = JSON.stringify([uidOf(pod), audience, expirationSeconds]);
    const known = await this.#tokens.get(key)?.catch(() => undefined);
    if (known !== undefined && known.renewAtMs > this.#clock.now()) return known;
    const asked = this.#request(pod, projection);
    this.#tokens.set(key, asked);
    return asked;
  }

  forget(uid: string): void {
    for (const key of this.#tokens.keys())
      if (key.startsWith(`["${uid}"`)) this.#tokens.delete(key);
  }

  async #request(
    pod: Pod,
    { audience, expirationSeconds }: ServiceAccountTokenProjection,
  ): Promise<PodToken> {
    const name = pod.spec.serviceAccountName || "default";
    const askedMs = this.#clock.now();
    const request: TokenRequest = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: {
        audiences: audience === undefined || audience === "" ? [] : [audience],
        expirationSeconds: expirationSeconds ?? expirationSecondsDefault,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name: nameOf(pod), uid: uidOf(pod) },
      },
    };
    const answer = await this.#client
      .resource(serviceAccounts)
      .createSubresource<TokenRequest, TokenRequest>(
        { namespace: namespaceOf(pod), name },
        "token",
        request,
      );
    const expiresMs = Date.parse(answer.status?.expirationTimestamp ?? "");
    const lifeMs = (Number.isNaN(expiresMs) ? askedMs : expiresMs) - askedMs;
    return {
      token: answer.status?.token ?? "",
      renewAtMs: askedMs + Math.min(lifeMs * renewAtShare, renewAgeMsMax),
    };
  }
}
