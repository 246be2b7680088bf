import { readFile } from "node:fs/promises";
import type { Transport } from "../../pkg/base/wire.ts";
import { inMemoryTransport } from "../../pkg/client/in-memory-transport.ts";
import { runCompactor } from "../../pkg/storage/compactor.ts";
import type { Storage } from "../../pkg/storage/storage.ts";
import { ensureClusterPki } from "../../pkg/pki/cluster-pki-apply.ts";
import { apiAccess } from "./api-access.ts";
import { listenApi, startApi } from "./api-serving.ts";
import { clusterPki, issuerOf, pkiFile, type ClusterSettings } from "./cluster-settings.ts";
import { runControllers } from "./controlling.ts";
import type { Doors } from "./doors.ts";
import { runScheduling } from "./scheduling.ts";

/** A control plane in this process. */
export interface ControlPlane {
  /** The API, called directly, as somebody whose certificate would say so. */
  readonly as: (commonName: string, ...organizations: readonly string[]) => Transport;
  /** Ends when the signal aborts; rejects with what could not go on. */
  readonly ended: Promise<void>;
}

/**
 * API server, controllers and scheduler on one storage. PKI and kubeconfigs are written where they
 * are missing. Resolves when the API answers over TLS.
 */
export async function startControlPlane(
  settings: ClusterSettings,
  storage: Storage,
  doors: Doors,
  signal: AbortSignal,
): Promise<ControlPlane> {
  await ensureClusterPki(clusterPki(settings, false), doors);
  const pem = (name: string): Promise<string> => readFile(pkiFile(settings, name), "utf8");
  const rootCa = await pem("ca.crt");
  const api = await startApi(
    {
      storage,
      serviceCidr: settings.serviceCidr,
      advertiseAddress: `${settings.advertiseAddress}:${settings.securePort}`,
      issuer: issuerOf(settings),
      signingKeyFile: pkiFile(settings, "sa.key"),
      kubeletClient: {
        certificate: await pem("apiserver-kubelet-client.crt"),
        key: await pem("apiserver-kubelet-client.key"),
        authority: rootCa,
      },
    },
    doors,
    signal,
  );
  const tls = {
    certificate: await pem("apiserver.crt"),
    key: await pem("apiserver.key"),
    clientAuthorities: rootCa,
  };
  const listening = listenApi(api, { address: "0.0.0.0", port: settings.securePort, tls }, signal);
  const as: ControlPlane["as"] = (commonName, ...organizations) =>
    inMemoryTransport(api.handler, {
      address: "127.0.0.1",
      certificate: { commonName, organizations },
    });
  const access = (user: string, component: string) => apiAccess(as(user), component, doors, signal);
  const controllers = runControllers(
    {
      access: access("system:kube-controller-manager", "kube-controller-manager"),
      asAccount: (account) => as(...accountIdentity(account)),
      rootCa,
      signing: { authority: { certificate: rootCa, key: await pem("ca.key") } },
    },
    signal,
  );
  const scheduler = runScheduling(access("system:kube-scheduler", "default-scheduler"), signal);
  const compactor = runCompactor({ ...doors, storage }, signal);
  const ended = Promise.all([api.ended, listening, controllers, scheduler, compactor]).then(
    () => undefined,
  );
  return { as, ended };
}

/** User and groups of a ServiceAccount in kube-system, as its token would say them. */
const accountIdentity = (account: string): readonly [string, ...string[]] => [
  `system:serviceaccount:kube-system:${account}`,
  "system:serviceaccounts",
  "system:serviceaccounts:kube-system",
];
