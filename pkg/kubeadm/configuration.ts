/**
 * kubeadm.k8s.io/v1beta4 documents: read from files, printed as defaults, kept in the cluster.
 * Pure.
 */
import { parseAllDocuments, stringify } from "yaml";
import { specDefaults, type ClusterSpec } from "./cluster-spec.ts";

const apiVersion = "kubeadm.k8s.io/v1beta4";

/** What of a configuration file is known to us, by kind; absent: as without a file. */
export interface InitFile {
  readonly nodeName?: string;
  readonly advertiseAddress?: string;
  readonly bindPort?: number;
  readonly token?: string;
  readonly tokenTtl?: string;
  readonly controlPlaneEndpoint?: string;
  readonly certSANs?: readonly string[];
  readonly clusterName?: string;
  readonly podSubnet?: string;
  readonly serviceSubnet?: string;
  readonly dnsDomain?: string;
}

export interface JoinFile {
  readonly nodeName?: string;
  readonly apiServerEndpoint?: string;
  readonly token?: string;
  readonly caCertHashes?: readonly string[];
  readonly unsafeSkipCAVerification?: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/** The documents of a file by kind. Throws, naming the file, where one is not kubeadm's v1beta4. */
function documentsOf(text: string, file: string): ReadonlyMap<string, Fields> {
  const documents = parseAllDocuments(text);
  const found = new Map<string, Fields>();
  for (const document of Array.isArray(documents) ? documents : []) {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`${file}: ${error.message}`);
    const value = document.toJS() as Fields | null;
    if (value === null) continue;
    const { kind } = value;
    if (typeof kind !== "string") throw new Error(`${file}: a document without a kind`);
    const isOurs = value["apiVersion"] === apiVersion;
    if (!isOurs && kind !== "KubeletConfiguration" && kind !== "KubeProxyConfiguration") {
      throw new Error(`${file}: ${kind}: expected apiVersion ${apiVersion}`);
    }
    found.set(kind, value);
  }
  return found;
}

/**
 * Reads typed fields at paths like "networking.podSubnet", and says where one is of another type.
 */
class Reader {
  readonly #fields: Fields;
  readonly #where: string;

  constructor(fields: Fields | undefined, where: string) {
    this.#fields = fields ?? {};
    this.#where = where;
  }

  #at(path: string): unknown {
    return path
      .split(".")
      .reduce<unknown>(
        (value, name) =>
          typeof value === "object" && value !== null ? (value as Fields)[name] : undefined,
        this.#fields,
      );
  }

  #typed<T>(path: string, isRight: (value: unknown) => value is T, type: string): T | undefined {
    const value = this.#at(path);
    if (value === undefined || value === null || value === "") return undefined;
    if (!isRight(value)) throw new Error(`${this.#where}: ${path} is not a ${type}`);
    return value;
  }

  text(path: string): string | undefined {
    return this.#typed(path, (value) => typeof value === "string", "string");
  }
  number(path: string): number | undefined {
    return this.#typed(path, (value): value is number => Number.isInteger(value), "whole number");
  }
  flag(path: string): boolean | undefined {
    return this.#typed(path, (value) => typeof value === "boolean", "boolean");
  }
  list(path: string): readonly unknown[] | undefined {
    return this.#typed(path, (value): value is unknown[] => Array.isArray(value), "list");
  }
}

/** Only what was said: an optional field is absent, not undefined. */
const said = <T extends object>(value: { readonly [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T;

const texts = (values: readonly unknown[] | undefined): readonly string[] | undefined =>
  values?.map(String);

export function parseInitFile(text: string, file: string): InitFile {
  const documents = documentsOf(text, file);
  const init = new Reader(documents.get("InitConfiguration"), `${file}: InitConfiguration`);
  const cluster = new Reader(
    documents.get("ClusterConfiguration"),
    `${file}: ClusterConfiguration`,
  );
  const [token] = (init.list("bootstrapTokens") ?? []) as readonly Fields[];
  const first = new Reader(token, `${file}: bootstrapTokens[0]`);
  return said<InitFile>({
    nodeName: init.text("nodeRegistration.name"),
    advertiseAddress: init.text("localAPIEndpoint.advertiseAddress"),
    bindPort: init.number("localAPIEndpoint.bindPort"),
    token: first.text("token"),
    tokenTtl: first.text("ttl"),
    controlPlaneEndpoint: cluster.text("controlPlaneEndpoint"),
    certSANs: texts(cluster.list("apiServer.certSANs")),
    clusterName: cluster.text("clusterName"),
    podSubnet: cluster.text("networking.podSubnet"),
    serviceSubnet: cluster.text("networking.serviceSubnet"),
    dnsDomain: cluster.text("networking.dnsDomain"),
  });
}

export function parseJoinFile(text: string, file: string): JoinFile {
  const join = new Reader(
    documentsOf(text, file).get("JoinConfiguration"),
    `${file}: JoinConfiguration`,
  );
  const discovery = "discovery.bootstrapToken";
  return said<JoinFile>({
    nodeName: join.text("nodeRegistration.name"),
    apiServerEndpoint: join.text(`${discovery}.apiServerEndpoint`),
    token: join.text(`${discovery}.token`) ?? join.text("discovery.tlsBootstrapToken"),
    caCertHashes: texts(join.list(`${discovery}.caCertHashes`)),
    unsafeSkipCAVerification: join.flag(`${discovery}.unsafeSkipCAVerification`),
  });
}

/** The cluster's part, as the ConfigMap kubeadm-config keeps it. */
export const clusterConfiguration = (spec: ClusterSpec): string =>
  stringify({
    apiServer: spec.certSANs.length === 0 ? {} : { certSANs: spec.certSANs },
    apiVersion,
    certificatesDir: `${spec.configFolder}/pki`,
    clusterName: spec.clusterName,
    controlPlaneEndpoint: spec.controlPlaneEndpoint,
    controllerManager: {},
    dns: {},
    etcd: { local: { dataDir: `${spec.dataFolder}/etcd` } },
    kind: "ClusterConfiguration",
    kubernetesVersion: spec.kubernetesVersion,
    networking: {
      dnsDomain: spec.dnsDomain,
      podSubnet: spec.podSubnet,
      serviceSubnet: spec.serviceSubnet,
    },
    proxy: {},
    scheduler: {},
  });

/** What a joining machine needs of the cluster's part. */
export function parseClusterConfiguration(text: string): {
  readonly podSubnet: string;
  readonly serviceSubnet: string;
} {
  const file = "ConfigMap kube-system/kubeadm-config";
  const cluster = new Reader(documentsOf(text, file).get("ClusterConfiguration"), file);
  return {
    podSubnet: cluster.text("networking.podSubnet") ?? specDefaults.podSubnet,
    serviceSubnet: cluster.text("networking.serviceSubnet") ?? specDefaults.serviceSubnet,
  };
}

/** `config print init-defaults`. */
export const initDefaults = (): string =>
  [
    {
      apiVersion,
      kind: "InitConfiguration",
      bootstrapTokens: [{ token: "abcdef.0123456789abcdef", ttl: "24h0m0s" }],
      localAPIEndpoint: { advertiseAddress: "1.2.3.4", bindPort: specDefaults.bindPort },
      nodeRegistration: { name: "node" },
    },
    {
      apiVersion,
      kind: "ClusterConfiguration",
      apiServer: {},
      clusterName: specDefaults.clusterName,
      kubernetesVersion: specDefaults.kubernetesVersion,
      networking: {
        dnsDomain: specDefaults.dnsDomain,
        podSubnet: specDefaults.podSubnet,
        serviceSubnet: specDefaults.serviceSubnet,
      },
    },
  ]
    .map((document) => stringify(document))
    .join("---\n");

/** `config print join-defaults`. */
export const joinDefaults = (): string =>
  stringify({
    apiVersion,
    kind: "JoinConfiguration",
    discovery: {
      bootstrapToken: {
        apiServerEndpoint: "kube-apiserver:6443",
        token: "abcdef.0123456789abcdef",
        unsafeSkipCAVerification: true,
      },
    },
    nodeRegistration: { name: "node" },
  });
