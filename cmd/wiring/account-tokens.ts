import type { TokenRequest } from "../../api/authentication/v1.ts";
import { serviceAccounts } from "../../api/resources.ts";
import type { Transport } from "../../pkg/base/wire.ts";
import type { ClusterAccess } from "../../pkg/client/cluster-access.ts";
import { httpsTransport } from "../../pkg/client/https-transport.ts";
import { isReason } from "../../pkg/machinery/status-error.ts";
import type { ApiAccess } from "./api-access.ts";

const namespace = "kube-system";
const lifeSeconds = 3_600;
/** A token is replaced when this share of its life has passed. */
const renewShare = 0.8;

/** Transports that call as ServiceAccounts of kube-system, with tokens that are renewed in time. */
export function accountTransports(
  manager: ApiAccess,
  { clientCertificate: _own, token: _token, ...server }: ClusterAccess,
  signal: AbortSignal,
): (account: string) => Transport {
  return (name) => {
    const token = new AccountToken(manager, name, signal);
    const transport = httpsTransport({ ...server, token: () => token.get() }, manager.clock);
    signal.addEventListener("abort", () => transport.close(), { once: true });
    return transport.send;
  };
}

class AccountToken {
  readonly #manager: ApiAccess;
  readonly #name: string;
  readonly #signal: AbortSignal;
  #known: { readonly token: Promise<string>; readonly renewAtMs: number } | undefined;

  constructor(manager: ApiAccess, name: string, signal: AbortSignal) {
    this.#manager = manager;
    this.#name = name;
    this.#signal = signal;
  }

  get(): Promise<string> {
    const now = this.#manager.clock.monotonic();
    if (this.#known === undefined || now >= this.#known.renewAtMs) {
      const token = this.#request();
      this.#known = { token, renewAtMs: now + lifeSeconds * 1000 * renewShare };
      // A failed request is not kept: the next caller tries again.
      token.catch(() => (this.#known = undefined));
    }
    return this.#known.token;
  }

  async #request(): Promise<string> {
    const accounts = this.#manager.client.resource(serviceAccounts);
    const name = this.#name;
    const ask = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { audiences: [], expirationSeconds: lifeSeconds },
    };
    const request = (): Promise<TokenRequest> =>
      accounts.createSubresource({ namespace, name }, "token", ask, this.#signal);
    const answer = await request().catch(async (error: unknown) => {
      if (!isReason(error, "NotFound")) throw error;
      await accounts
        .create({ metadata: { namespace, name } }, {}, this.#signal)
        .catch((again: unknown) => {
          if (!isReason(again, "AlreadyExists")) throw again;
        });
      return request();
    });
    return answer.status?.token ?? "";
  }
}
