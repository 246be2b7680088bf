import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { nodes as nodesRef } from "../../api/resources.ts";
import type { Client } from "../../pkg/client/client.ts";
import type { ClusterAccess } from "../../pkg/client/cluster-access.ts";
import { connect } from "../../pkg/client/connect.ts";
import { httpsTransport } from "../../pkg/client/https-transport.ts";
import { chooseContext, readKubeconfigs } from "../../pkg/client/kubeconfig.ts";
import { writeFileAtomically } from "../../pkg/files/atomic-file.ts";
import { keepCertificate } from "../../pkg/kubelet/certificates/certificate-keeper.ts";
import type { CertificateAndKey } from "../../pkg/pki/authority.ts";
import {
  currentPath,
  kubeletCertificate,
  readCertificateFile,
  writeCertificateFile,
} from "../../pkg/pki/certificate-file.ts";
import { kubeConfig, kubeConfigText } from "../../pkg/pki/kubeconfig.ts";
import { apiAccess, type ApiAccess } from "./api-access.ts";
import type { Doors } from "./doors.ts";

export interface NodeCertificatesOptions {
  /** /etc/tskube: kubelet.conf; bootstrap-kubelet.conf where somebody has put one. */
  readonly configFolder: string;
  /** /var/lib/tskube: what is renewed is kept in pki. */
  readonly dataFolder: string;
  readonly nodeName: string;
  readonly nodeAddress: string;
}

/** The API as this node, under a certificate that is renewed while it is in use. */
export interface NodeAccess extends ApiAccess {
  /** Renews it until the signal aborts. */
  readonly keep: () => Promise<void>;
}

const clientSigner = "kubernetes.io/kube-apiserver-client-kubelet";
const servingSigner = "kubernetes.io/kubelet-serving";

export async function openNodeAccess(
  options: NodeCertificatesOptions,
  doors: Doors,
  signal: AbortSignal,
): Promise<NodeAccess> {
  const kubeconfig = join(options.configFolder, "kubelet.conf");
  const { access } = chooseContext(await readKubeconfigs([kubeconfig]), doors.clock);
  let pair = await access.clientCertificate?.();
  const own = pair === undefined ? access : { ...access, clientCertificate: async () => inUse() };
  const inUse = (): CertificateAndKey => {
    if (pair === undefined) throw new Error("the node has no certificate");
    return pair;
  };
  const transport = httpsTransport(own, doors.clock);
  signal.addEventListener("abort", () => transport.close(), { once: true });
  const api = apiAccess(transport.send, "kubelet", doors, signal);
  const file = kubeletCertificate(options.dataFolder, "kubelet-client");
  const use = async (made: CertificateAndKey): Promise<void> => {
    await writeCertificateFile(file, made, doors.clock.now());
    await pointTo(currentPath(file), kubeconfig, access, options.nodeName);
    pair = made;
    transport.renew();
  };
  const keep = async (): Promise<void> => {
    // Who shows a token renews none.
    if (pair === undefined) return;
    await keepCertificate(
      {
        ...api,
        signer: clientSigner,
        nodeName: options.nodeName,
        initial: pair,
        names: async () => [],
        bootstrap: () => bootstrapClient(options, doors),
        use,
      },
      signal,
    );
  };
  return { ...api, keep };
}

/** A kubelet.conf that has its certificate inside names the file from then on. */
async function pointTo(
  file: string,
  kubeconfig: string,
  access: ClusterAccess,
  nodeName: string,
): Promise<void> {
  const before = await readFile(kubeconfig, "utf8");
  if (before.includes(file)) return;
  const config = kubeConfig({
    cluster: "kubernetes",
    server: access.server,
    authority: (await access.certificateAuthority?.()) ?? "",
    user: `system:node:${nodeName}`,
    credential: { file },
  });
  await writeFileAtomically(kubeconfig, kubeConfigText(config), 0o600);
}

async function bootstrapClient(
  { configFolder }: NodeCertificatesOptions,
  { clock }: Doors,
): Promise<(Client & Disposable) | undefined> {
  const path = join(configFolder, "bootstrap-kubelet.conf");
  if (!existsSync(path)) return undefined;
  const { access } = chooseContext(await readKubeconfigs([path]), clock);
  const transport = httpsTransport(access, clock);
  const client = connect(transport.send, { clock, userAgent: "kubelet-bootstrap" });
  return { ...client, [Symbol.dispose]: () => transport.close() };
}

/** What the kubelet serves under: its own, or what tsadm init made; undefined: none yet. */
async function readServing({
  configFolder,
  dataFolder,
}: NodeCertificatesOptions): Promise<CertificateAndKey | undefined> {
  const renewed = await readCertificateFile(kubeletCertificate(dataFolder, "kubelet-server"));
  if (renewed !== undefined) return renewed;
  const path = (ending: string): string => join(configFolder, "pki", `kubelet.${ending}`);
  if (!existsSync(path("crt"))) return undefined;
  return {
    certificate: await readFile(path("crt"), "utf8"),
    key: await readFile(path("key"), "utf8"),
  };
}

/**
 * Keeps the certificate under which the kubelet serves, until the signal aborts: `use` hears of the
 * one that is there, and of every new one.
 */
export async function keepServingCertificate(
  options: NodeCertificatesOptions,
  api: ApiAccess,
  use: (pair: CertificateAndKey) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { nodeName, nodeAddress, dataFolder } = options;
  const initial = await readServing(options);
  if (initial !== undefined) await use(initial);
  const file = kubeletCertificate(dataFolder, "kubelet-server");
  await keepCertificate(
    {
      ...api,
      signer: servingSigner,
      nodeName,
      initial,
      names: async (inner) => {
        // Asked once it is needed: the one that is there may be good for a year without an API.
        if (initial === undefined) await checkRegistered(api.client, options, inner);
        return [nodeName, nodeAddress];
      },
      use: async (pair) => {
        await writeCertificateFile(file, pair, api.clock.now());
        await use(pair);
      },
    },
    signal,
  );
}

/** It is approved for addresses that the node has in its status. */
async function checkRegistered(
  client: Client,
  { nodeName, nodeAddress }: NodeCertificatesOptions,
  signal: AbortSignal,
): Promise<void> {
  const { status } = await client.resource(nodesRef).get({ name: nodeName }, signal);
  if (status?.addresses?.some(({ address }) => address === nodeAddress) === true) return;
  throw new Error(`the node ${nodeName} has not told its address ${nodeAddress} yet`);
}
