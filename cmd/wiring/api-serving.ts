import { readFile } from "node:fs/promises";
import { defaultAdmission } from "../../pkg/apiserver/admission/default-admission.ts";
import type { UserInfo } from "../../pkg/apiserver/auth-contract.ts";
import { ensureBootstrapRbac } from "../../pkg/apiserver/auth/bootstrap-rbac.ts";
import { createAuth, type Auth } from "../../pkg/apiserver/auth/create-auth.ts";
import { tokenSigningKey, type TokenKey } from "../../pkg/apiserver/auth/json-web-token.ts";
import type { NodeProxy } from "../../pkg/apiserver/connect-contract.ts";
import { createApiServer, type ApiServer } from "../../pkg/apiserver/create-api-server.ts";
import { kubeletHttps } from "../../pkg/apiserver/node-proxy/kubelet-https.ts";
import { nodeProxy } from "../../pkg/apiserver/node-proxy/node-proxy.ts";
import { podProxy } from "../../pkg/apiserver/node-proxy/pod-proxy.ts";
import { createStores, type Stores } from "../../pkg/apiserver/create-stores.ts";
import { resources } from "../../pkg/apiserver/resources.ts";
import { parsePrivateKey } from "../../pkg/pki/keys.ts";
import { startServer } from "../../pkg/serving/server.ts";
import type { ServerTls } from "../../pkg/serving/server-contract.ts";
import type { Storage } from "../../pkg/storage/storage.ts";
import { Metrics } from "../../pkg/telemetry/metrics.ts";
import { kubernetesVersion } from "../../api/version.ts";
import { aborted } from "./aborted.ts";
import type { Doors } from "./doors.ts";

export interface KubeletClient {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

export interface ApiServingOptions {
  readonly storage: Storage;
  readonly serviceCidr: string;
  /** Of Services' node ports: 30000-32767 */
  readonly nodePortRange?: string;
  /** host:port for clients in the cluster. */
  readonly advertiseAddress: string;
  /** Of ServiceAccount tokens. */
  readonly issuer: string;
  /** PEM file with the key that signs ServiceAccount tokens. */
  readonly signingKeyFile: string;
  /** Public keys of ServiceAccount tokens beside the signing one's, while it is being replaced. */
  readonly otherKeys?: readonly TokenKey[];
  /**
   * apiserver-kubelet-client's certificate, key and authority, PEM: who we are to kubelets. Absent:
   * logs, exec and the like are refused.
   */
  readonly kubeletClient?: KubeletClient;
  /** Bearer tokens that are known from the start (--token-auth-file). */
  readonly tokens?: ReadonlyMap<string, UserInfo>;
}

export interface ApiServing extends ApiServer {
  readonly stores: Stores;
  readonly auth: Auth;
  /** Ends when the signal aborts; rejects when storage cannot be followed. */
  readonly ended: Promise<void>;
}

/** An API server over a storage, ready to answer, with what every cluster has at its beginning. */
export async function startApi(
  options: ApiServingOptions,
  doors: Doors,
  signal: AbortSignal,
): Promise<ApiServing> {
  const logger = doors.logger.child({ component: "kube-apiserver" });
  const own = { ...doors, logger };
  const stores = createStores({
    ...own,
    storage: options.storage,
    resources,
    serviceCidr: options.serviceCidr,
    ...(options.nodePortRange === undefined ? {} : { nodePortRange: options.nodePortRange }),
    admission: defaultAdmission,
  });
  const { privateKey } = parsePrivateKey(await readFile(options.signingKeyFile, "utf8"));
  const signingKey = tokenSigningKey(privateKey);
  const auth = createAuth({
    ...own,
    objects: stores.objects,
    issuer: options.issuer,
    signingKey,
    otherKeys: (options.otherKeys ?? []).filter(({ id }) => id !== signingKey.id),
    jwksUri: `https://${options.advertiseAddress}/openid/v1/jwks`,
    ...(options.tokens === undefined ? {} : { tokens: options.tokens }),
  });
  const proxy = proxyToNodes(options.kubeletClient, stores, own, signal);
  const api = createApiServer({
    ...own,
    ...(proxy === undefined ? {} : { nodeProxy: proxy }),
    stores,
    authenticate: auth.authenticate,
    authorize: auth.authorize,
    reviews: auth.reviews,
    issueToken: auth.issueToken,
    documents: auth.documents,
    metrics: new Metrics(),
    gitVersion: kubernetesVersion,
    advertiseAddress: options.advertiseAddress,
  });
  const ended = api.run(signal);
  await Promise.race([api.ready(), ended]);
  await ensureBootstrapRbac(api.handler, signal);
  return { ...api, stores, auth, ended };
}

function proxyToNodes(
  client: KubeletClient | undefined,
  { objects }: Stores,
  doors: Doors,
  signal: AbortSignal,
): NodeProxy | undefined {
  if (client === undefined) return undefined;
  const kubelets = kubeletHttps({ ...client, clock: doors.clock });
  signal.addEventListener("abort", () => kubelets[Symbol.dispose](), { once: true });
  return nodeProxy({ objects, kubelets, pods: podProxy({ ...doors, objects }) });
}

/** Largest request body: a little over the largest object, in JSON. */
const bodyBytesMax = 3 * 1024 * 1024;

export interface ListenOptions {
  readonly address: string;
  readonly port: number;
  readonly tls: ServerTls;
  /** Calls back with what connections shall see from then on, until the signal aborts. */
  readonly followTls?: (use: (tls: ServerTls) => void, signal: AbortSignal) => Promise<void>;
}

/** Puts the server behind TLS until the signal aborts. */
export async function listenApi(
  api: ApiServer,
  options: ListenOptions,
  signal: AbortSignal,
): Promise<void> {
  const server = await startServer({
    ...options,
    handler: api.handler,
    upgrade: api.upgrade,
    bodyBytesMax,
  });
  await Promise.all([aborted(signal), options.followTls?.((tls) => server.renewTls(tls), signal)]);
  await server.close();
}
