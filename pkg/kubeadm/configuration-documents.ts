/**
 * The documents of a configuration file, by kind: kubeadm's own and those of the parts that it
 * configures. Here it is decided what may stand in them; what they mean is read elsewhere. Pure.
 */
import { parseAllDocuments } from "yaml";
import { idleKubeletArguments } from "./kubelet-arguments.ts";
import {
  clusterFields,
  initFields,
  joinFields,
  kubeletFields,
  proxyFields,
  type KnownFields,
} from "./known-fields.ts";
import { idleFields, unknownFields, type Fields, type Usage } from "./strict-fields.ts";

export const kubeadmGroup = { group: "kubeadm.k8s.io", version: "v1beta4" } as const;
export const kubeletGroup = { group: "kubelet.config.k8s.io", version: "v1beta1" } as const;
export const proxyGroup = { group: "kubeproxy.config.k8s.io", version: "v1alpha1" } as const;

interface DocumentKind {
  readonly group: string;
  readonly version: string;
  readonly known: KnownFields;
  readonly usage: Usage;
}

const words = (text: string): readonly string[] => text.split(" ");
const registration = {
  "nodeRegistration.imagePullPolicy": ['"IfNotPresent"'],
  "nodeRegistration.imagePullSerial": ["true"],
  "nodeRegistration.criSocket": ['"unix:///run/tskube/cri.sock"', '"/run/tskube/cri.sock"'],
} as const;

const kinds: Readonly<Record<string, DocumentKind>> = {
  InitConfiguration: {
    ...kubeadmGroup,
    known: initFields,
    usage: {
      used: words(
        "bootstrapTokens dryRun skipPhases localAPIEndpoint nodeRegistration.name " +
          "nodeRegistration.taints nodeRegistration.ignorePreflightErrors nodeRegistration.kubeletExtraArgs " +
          "timeouts.controlPlaneComponentHealthCheck timeouts.kubeletHealthCheck",
      ),
      accepted: registration,
    },
  },
  ClusterConfiguration: {
    ...kubeadmGroup,
    known: clusterFields,
    usage: {
      used: words(
        "networking kubernetesVersion controlPlaneEndpoint imageRepository clusterName " +
          "apiServer.certSANs apiServer.extraArgs controllerManager.extraArgs " +
          "scheduler.extraArgs etcd.local.extraArgs proxy.disabled dns.disabled",
      ),
      accepted: {
        certificatesDir: ['"/etc/tskube/pki"'],
        "etcd.local.dataDir": ['"/var/lib/tskube/etcd"'],
        encryptionAlgorithm: ['"ECDSA-P256"'],
        certificateValidityPeriod: ['"8760h0m0s"'],
        caCertificateValidityPeriod: ['"87600h0m0s"'],
      },
    },
  },
  JoinConfiguration: {
    ...kubeadmGroup,
    known: joinFields,
    usage: {
      used: words(
        "discovery dryRun skipPhases nodeRegistration.name nodeRegistration.taints " +
          "nodeRegistration.ignorePreflightErrors nodeRegistration.kubeletExtraArgs " +
          "timeouts.discovery timeouts.tlsBootstrap " +
          "timeouts.kubeletHealthCheck",
      ),
      accepted: { ...registration, caCertPath: ['"/etc/tskube/pki/ca.crt"'] },
    },
  },
  KubeletConfiguration: {
    ...kubeletGroup,
    known: kubeletFields,
    usage: {
      used: words(
        "clusterDNS clusterDomain maxPods port address podPidsLimit registerWithTaints " +
          "systemReserved kubeReserved evictionHard",
      ),
      // What this kubelet does in any case.
      accepted: {
        staticPodPath: ['"/etc/tskube/manifests"'],
        podLogsDir: ['"/var/log/pods"', '"/var/log/pods/"'],
        "authentication.anonymous.enabled": ["false"],
        "authentication.webhook.enabled": ["true"],
        "authentication.x509.clientCAFile": ['"/etc/tskube/pki/ca.crt"'],
        "authorization.mode": ['"Webhook"'],
        cgroupDriver: ['"cgroupfs"'],
        cgroupsPerQOS: ["true"],
        cpuCFSQuota: ["true"],
        cpuManagerPolicy: ['"none"'],
        memoryManagerPolicy: ['"None"'],
        topologyManagerPolicy: ['"none"'],
        containerRuntimeEndpoint: ['"unix:///run/tskube/cri.sock"'],
        enableDebuggingHandlers: ["true"],
        enableServer: ["true"],
        failSwapOn: ["true"],
        registerNode: ["true"],
        rotateCertificates: ["true"],
        serverTLSBootstrap: ["true"],
        "memorySwap.swapBehavior": ['"NoSwap"'],
      },
    },
  },
  KubeProxyConfiguration: {
    ...proxyGroup,
    known: proxyFields,
    usage: {
      used: words("mode hostnameOverride healthzBindAddress metricsBindAddress"),
      accepted: {
        enableProfiling: ["false"],
        "clientConnection.kubeconfig": ['"/var/lib/kube-proxy/kubeconfig.conf"'],
        "iptables.masqueradeAll": ["false"],
        "ipvs.strictARP": ["false"],
        "nftables.masqueradeAll": ["false"],
        "winkernel.enableDSR": ["false"],
        "winkernel.forwardHealthCheckVip": ["false"],
        bindAddressHardFail: ["false"],
      },
    },
  },
};

export interface ConfigDocuments {
  readonly byKind: ReadonlyMap<string, Fields>;
  /** Fields that no version knows: a misspelling as a rule. In upstream's words, one a document. */
  readonly mistakes: readonly string[];
  /** What is right and has no effect here, one a field. */
  readonly idle: readonly string[];
}

/** Throws, naming the file, where it cannot be read, or is of a kind or version not ours. */
export function readConfigDocuments(text: string, file: string): ConfigDocuments {
  const parsed = parseAllDocuments(text);
  const byKind = new Map<string, Fields>();
  const mistakes: string[] = [];
  const idle: string[] = [];
  for (const document of Array.isArray(parsed) ? parsed : []) {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`${file}: ${error.message}`);
    const { apiVersion, kind, ...fields } = (document.toJS() ?? {}) as Fields;
    if (kind === undefined && Object.keys(fields).length === 0) continue;
    if (typeof kind !== "string") throw new Error(`${file}: a document without a kind`);
    const of = kindOf(kind, apiVersion, file);
    if (byKind.has(kind)) throw new Error(`${file}: there are two documents of kind ${kind}`);
    byKind.set(kind, fields);
    const unknown = unknownFields(fields, of.known);
    if (unknown.length > 0) mistakes.push(strictError(kind, of, unknown));
    const paths = [...idleFields(fields, of.known, of.usage), ...idleKubeletArguments(fields)];
    for (const path of paths) {
      idle.push(`${file}: ${kind}: ${path} has no effect on tskube`);
    }
  }
  return { byKind, mistakes, idle };
}

function kindOf(kind: string, apiVersion: unknown, file: string): DocumentKind {
  const of = kinds[kind];
  if (of === undefined) {
    throw new Error(`${file}: unknown kind ${kind}; there are ${Object.keys(kinds).join(", ")}`);
  }
  const expected = `${of.group}/${of.version}`;
  if (apiVersion === expected) return of;
  throw new Error(`${file}: ${kind}: expected apiVersion ${expected}, not ${String(apiVersion)}`);
}

const strictError = (
  kind: string,
  { group, version }: DocumentKind,
  unknown: readonly string[],
): string =>
  "error unmarshaling configuration schema.GroupVersionKind" +
  `{Group:"${group}", Version:"${version}", Kind:"${kind}"}: strict decoding error: ` +
  unknown.map((path) => `unknown field "${path}"`).join(", ");
