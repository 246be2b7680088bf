/** The control plane's static pods, with kubeadm's names and labels. Pure. */
import { stringify } from "yaml";
import type { Container, Pod, Probe } from "../../api/core/v1.ts";
import type { ClusterSpec, ExtraArgs } from "./cluster-spec.ts";

/** File name below the manifests folder → pod. Order is that of starting. */
export type Manifest = readonly [file: string, pod: Pod];

/** A folder of the host that a component reads, at the same path inside. */
interface HostFolder {
  readonly name: string;
  readonly path: string;
  readonly writable?: boolean;
  readonly isFile?: boolean;
}

interface Component {
  readonly name: keyof ExtraArgs;
  readonly image: string;
  readonly command: readonly string[];
  readonly folders: readonly HostFolder[];
  readonly cpu: string;
  readonly memory: string;
  readonly probes?: Pick<Container, "livenessProbe" | "readinessProbe" | "startupProbe">;
}

/** On loopback: health and metrics of etcd, without a certificate. */
const etcdHealthPort = 2381;
const etcdClientPort = 2379;
const etcdPeerPort = 2380;
/** On loopback, for the kubelet's probes: health, and metrics for who may read them. */
const controllerManagerPort = 10_257;
const schedulerPort = 10_259;

export const controlPlaneManifests = (spec: ClusterSpec): readonly Manifest[] =>
  [etcd(spec), apiServer(spec), controllerManager(spec), scheduler(spec)].map((component) => [
    `${component.name}.yaml`,
    podOf({ ...component, command: withExtraArgs(component.command, spec, component.name) }),
  ]);

/** A flag that is given stands in place of ours of the same name; several of one name all stand. */
function withExtraArgs(
  [program = "", ...flags]: readonly string[],
  { extraArgs = {} }: ClusterSpec,
  component: keyof ExtraArgs,
): readonly string[] {
  const extra = extraArgs[component] ?? [];
  const names = new Set(extra.map(({ name }) => `--${name}`));
  const kept = flags.filter((flag) => !names.has(nameOf(flag)));
  const added = extra.map(({ name, value }) => `--${name}=${value}`);
  return [program, ...[...kept, ...added].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))];
}

const nameOf = (flag: string): string => flag.split("=")[0] ?? "";

export const manifestText = (pod: Pod): string => stringify(pod, { lineWidth: 0 });

const podOf = ({ name, image, command, folders, cpu, memory, probes }: Component): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "kube-system",
    labels: { component: name, tier: "control-plane" },
  },
  spec: {
    hostNetwork: true,
    priorityClassName: "system-node-critical",
    priority: 2_000_001_000,
    containers: [
      {
        name,
        image,
        imagePullPolicy: "IfNotPresent",
        command,
        resources: { requests: { cpu, memory } },
        ...probes,
        volumeMounts: folders.map((folder) => ({
          name: folder.name,
          mountPath: folder.path,
          readOnly: folder.writable !== true,
        })),
      },
    ],
    volumes: folders.map((folder) => ({
      name: folder.name,
      hostPath: { path: folder.path, type: folder.isFile === true ? "File" : "DirectoryOrCreate" },
    })),
  },
});

interface HttpGet {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly scheme: "HTTP" | "HTTPS";
}

const loopback = "127.0.0.1";
const health = (port: number, path: string): HttpGet => ({
  host: loopback,
  port,
  path,
  scheme: "HTTPS",
});

const httpProbe = (get: HttpGet, rhythm: Omit<Probe, "httpGet">): Probe => ({
  httpGet: get,
  timeoutSeconds: 15,
  ...rhythm,
});

const lives = (get: HttpGet): Probe =>
  httpProbe(get, { initialDelaySeconds: 10, periodSeconds: 10, failureThreshold: 8 });
/** Asked every second until it answers: up to four minutes. */
const starts = (get: HttpGet): Probe => httpProbe(get, { periodSeconds: 1, failureThreshold: 240 });

const pkiFolder = ({ configFolder }: ClusterSpec): HostFolder => ({
  name: "k8s-certs",
  path: `${configFolder}/pki`,
});

function etcd(spec: ClusterSpec): Component {
  const { nodeName, advertiseAddress: address, dataFolder } = spec;
  const pki = `${spec.configFolder}/pki/etcd`;
  const data = `${dataFolder}/etcd`;
  const peerUrl = `https://${address}:${etcdPeerPort}`;
  const clientUrl = `https://${address}:${etcdClientPort}`;
  const health = { host: loopback, port: etcdHealthPort, scheme: "HTTP" } as const;
  return {
    name: "etcd",
    image: spec.images.etcd,
    command: [
      "etcd",
      `--advertise-client-urls=${clientUrl}`,
      `--cert-file=${pki}/server.crt`,
      "--client-cert-auth=true",
      `--data-dir=${data}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=${nodeName}=${peerUrl}`,
      `--key-file=${pki}/server.key`,
      `--listen-client-urls=https://127.0.0.1:${etcdClientPort},${clientUrl}`,
      `--listen-metrics-urls=http://127.0.0.1:${etcdHealthPort}`,
      `--listen-peer-urls=${peerUrl}`,
      `--name=${nodeName}`,
      `--peer-cert-file=${pki}/peer.crt`,
      "--peer-client-cert-auth=true",
      `--peer-key-file=${pki}/peer.key`,
      `--peer-trusted-ca-file=${pki}/ca.crt`,
      "--snapshot-count=10000",
      `--trusted-ca-file=${pki}/ca.crt`,
    ],
    folders: [
      { name: "etcd-data", path: data, writable: true },
      { name: "etcd-certs", path: pki },
    ],
    cpu: "100m",
    memory: "100Mi",
    probes: {
      livenessProbe: lives({ ...health, path: "/health?exclude=NOSPACE&serializable=true" }),
      startupProbe: starts({ ...health, path: "/health?serializable=false" }),
    },
  };
}

function apiServer(spec: ClusterSpec): Component {
  const pki = `${spec.configFolder}/pki`;
  const health = { host: spec.advertiseAddress, port: spec.bindPort, scheme: "HTTPS" } as const;
  return {
    name: "kube-apiserver",
    image: spec.images.tskube,
    command: [
      "tskube-apiserver",
      `--advertise-address=${spec.advertiseAddress}`,
      `--client-ca-file=${pki}/ca.crt`,
      `--etcd-cafile=${pki}/etcd/ca.crt`,
      `--etcd-certfile=${pki}/apiserver-etcd-client.crt`,
      `--etcd-keyfile=${pki}/apiserver-etcd-client.key`,
      `--etcd-servers=https://127.0.0.1:${etcdClientPort}`,
      `--kubelet-client-certificate=${pki}/apiserver-kubelet-client.crt`,
      `--kubelet-client-key=${pki}/apiserver-kubelet-client.key`,
      `--secure-port=${spec.bindPort}`,
      `--service-account-issuer=https://kubernetes.default.svc.${spec.dnsDomain}`,
      `--service-account-key-file=${pki}/sa.pub`,
      `--service-account-signing-key-file=${pki}/sa.key`,
      `--service-cluster-ip-range=${spec.serviceSubnet}`,
      `--tls-cert-file=${pki}/apiserver.crt`,
      `--tls-private-key-file=${pki}/apiserver.key`,
    ],
    folders: [pkiFolder(spec)],
    cpu: "250m",
    memory: "150Mi",
    probes: {
      livenessProbe: lives({ ...health, path: "/livez" }),
      readinessProbe: httpProbe({ ...health, path: "/readyz" }, { periodSeconds: 2 }),
      startupProbe: starts({ ...health, path: "/livez" }),
    },
  };
}

/** A kubeconfig is one file of the configuration folder, and the rest of it is not its business. */
const kubeconfigMount = (spec: ClusterSpec, file: string): HostFolder => ({
  name: "kubeconfig",
  path: `${spec.configFolder}/${file}`,
  isFile: true,
});

function controllerManager(spec: ClusterSpec): Component {
  const pki = `${spec.configFolder}/pki`;
  return {
    name: "kube-controller-manager",
    image: spec.images.tskube,
    command: [
      "tskube-controller-manager",
      "--allocate-node-cidrs=true",
      `--bind-address=${loopback}`,
      `--client-ca-file=${pki}/ca.crt`,
      `--cluster-cidr=${spec.podSubnet}`,
      ...(spec.isAuthorityExternal === true
        ? []
        : [
            `--cluster-signing-cert-file=${pki}/ca.crt`,
            `--cluster-signing-key-file=${pki}/ca.key`,
          ]),
      `--kubeconfig=${spec.configFolder}/controller-manager.conf`,
      "--leader-elect=true",
      `--root-ca-file=${pki}/ca.crt`,
    ],
    folders: [pkiFolder(spec), kubeconfigMount(spec, "controller-manager.conf")],
    cpu: "200m",
    memory: "150Mi",
    probes: {
      livenessProbe: lives(health(controllerManagerPort, "/healthz")),
      startupProbe: starts(health(controllerManagerPort, "/healthz")),
    },
  };
}

const scheduler = (spec: ClusterSpec): Component => ({
  name: "kube-scheduler",
  image: spec.images.tskube,
  command: [
    "tskube-scheduler",
    `--bind-address=${loopback}`,
    `--kubeconfig=${spec.configFolder}/scheduler.conf`,
    "--leader-elect=true",
  ],
  folders: [kubeconfigMount(spec, "scheduler.conf")],
  cpu: "100m",
  memory: "100Mi",
  probes: {
    livenessProbe: lives(health(schedulerPort, "/livez")),
    readinessProbe: httpProbe(health(schedulerPort, "/readyz"), { periodSeconds: 2 }),
    startupProbe: starts(health(schedulerPort, "/livez")),
  },
});
