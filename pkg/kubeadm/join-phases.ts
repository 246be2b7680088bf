import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { ConfigMap } from "../../api/core/v1.ts";
import { configMaps, nodes } from "../../api/resources.ts";
import type { Client } from "../client/client.ts";
import { clusterInfo } from "../machinery/bootstrap-token.ts";
import { isReason } from "../machinery/status-error.ts";
import { generateKeyPair, privateKeyPem } from "../pki/keys.ts";
import { kubeConfig, kubeConfigText } from "../pki/kubeconfig.ts";
import { clientOf, openClient, serverTimeMs } from "./cluster-client.ts";
import { specDefaults } from "./cluster-spec.ts";
import { parseClusterConfiguration } from "./configuration.ts";
import { DiscoveryError, readClusterInfo, type Discovered, type Trust } from "./discovery.ts";
import { parseKubeletConfiguration } from "./kubelet-configuration.ts";
import { requestCertificate } from "./request-certificate.ts";
import { runPreflight, type PreflightDoors } from "./run-preflight.ts";
import type { SetupContext, SetupPhase } from "./setup-phase.ts";
import { waitFor } from "./wait.ts";
import { writeFileAtomically } from "../files/atomic-file.ts";

export interface JoinSpec {
  readonly configFolder: string;
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly nodeName: string;
  /** This machine's address for others. */
  readonly nodeAddress: string;
  /** host:port of the cluster's API. */
  readonly endpoint: string;
  /** ID.SECRET */
  readonly bearer: string;
  readonly trust: Trust;
}

/** What the cluster told, phase by phase. */
export interface Learned {
  found?: Discovered;
  podSubnet?: string;
  serviceSubnet?: string;
  kubeletConfiguration?: string;
}

export interface JoinContext extends PreflightDoors, SetupContext {
  readonly spec: JoinSpec;
  readonly learned: Learned;
  readonly provideImages: () => Promise<readonly string[]>;
  /** Starts the node's process with what was learned. */
  readonly startNode: (subnets: {
    readonly podSubnet: string;
    readonly serviceSubnet: string;
  }) => Promise<void>;
  readonly nodeLog: string;
  readonly signal: AbortSignal;
}

type JoinPhase = SetupPhase<JoinContext>;

/** More than this apart, certificates that were made a moment ago seem not to be valid yet. */
const clockDifferenceMsMax = 60_000;
const wait = { certificateMs: 60_000, nodeMs: 120_000 } as const;

const preflight: JoinPhase = {
  name: "preflight",
  because: "what is wrong with the machine is told before anything is written",
  plan: () => ["look at the machine, and write nothing"],
  run: (context) => runPreflight(context, context.spec.nodeAddress, false),
};

/** Asked anonymously, and of somebody not yet known: nothing is sent but the question. */
async function askStranger({ spec, clock, signal }: JoinContext): Promise<ConfigMap> {
  const server = `https://${spec.endpoint}`;
  using client = openClient({ server, insecureSkipTlsVerify: true }, clock);
  const { namespace, name } = clusterInfo;
  try {
    return await client.resource(configMaps).get({ namespace, name }, signal);
  } catch (cause) {
    throw new DiscoveryError(
      `no cluster answers at ${spec.endpoint}; is the address right, does the route exist ` +
        `(ip route get ${spec.endpoint.replace(/:\d+$/, "")}), is the control plane up?`,
      { cause },
    );
  }
}

const discovery: JoinPhase = {
  name: "discovery",
  because: "the machine must know that it talks to its cluster, before it says who it is",
  plan: ({ spec }) => [`read cluster-info of ${spec.endpoint} and hold it against token and hash`],
  run: async (context) => {
    const { spec, learned, say } = context;
    const found = readClusterInfo(await askStranger(context), spec.trust);
    await checkClock(context, found);
    learned.found = found;
    say(`[discovery] the cluster at ${found.server} is the one of the token and the hash`);
  },
};

/** As the bearer of the token, over TLS that is held against the authority that was found. */
const asJoiner = ({ spec, learned, clock }: JoinContext) => {
  const { found } = learned;
  if (found === undefined) throw new Error("run the phase discovery first");
  return openClient(
    {
      server: found.server,
      certificateAuthority: async () => found.authority,
      token: async () => spec.bearer,
    },
    clock,
  );
};

/** By the date of the server's answers, before a certificate is asked for. */
async function checkClock({ clock, signal }: JoinContext, found: Discovered): Promise<void> {
  const access = { server: found.server, insecureSkipTlsVerify: true };
  const theirs = await serverTimeMs(access, clock, signal);
  const differenceMs = Math.abs((theirs ?? clock.now()) - clock.now());
  if (differenceMs <= clockDifferenceMsMax) return;
  throw new DiscoveryError(
    `this machine's clock and the cluster's are ${Math.round(differenceMs / 1000)} s apart: ` +
      "set it first (timedatectl set-ntp true), or certificates will not be valid",
  );
}

const namespace = "kube-system";

async function readText(client: Client, name: string, key: string, signal: AbortSignal) {
  const { data } = await client.resource(configMaps).get({ namespace, name }, signal);
  const text = data?.[key];
  if (text === undefined) throw new Error(`ConfigMap ${namespace}/${name} has no ${key}`);
  return text;
}

const readConfig: JoinPhase = {
  name: "read-config",
  because: "the cluster says how its nodes are",
  plan: () => ["read the ConfigMaps kubeadm-config and kubelet-config"],
  run: async (context) => {
    const { learned, signal, spec, say } = context;
    using client = asJoiner(context);
    const cluster = await readText(client, "kubeadm-config", "ClusterConfiguration", signal);
    Object.assign(learned, parseClusterConfiguration(cluster));
    const kubelet = await readText(client, "kubelet-config", "kubelet", signal);
    parseKubeletConfiguration(kubelet, "ConfigMap kube-system/kubelet-config");
    learned.kubeletConfiguration = kubelet;
    await checkName(client, spec, signal);
    say("[read-config] read the cluster's and the kubelet's configuration");
  },
};

async function checkName(client: Client, spec: JoinSpec, signal: AbortSignal): Promise<void> {
  const { nodeName } = spec;
  try {
    await client.resource(nodes).get({ name: nodeName }, signal);
  } catch (error) {
    if (isReason(error, "NotFound")) return;
    throw error;
  }
  throw new Error(
    `the cluster has a node ${nodeName} already: say another --node-name, or, if it is this ` +
      `machine from before, remove it with: tskubectl delete node ${nodeName}`,
  );
}

const kubeconfigOf = ({ configFolder }: JoinSpec): string => join(configFolder, "kubelet.conf");

const tlsBootstrap: JoinPhase = {
  name: "tls-bootstrap",
  because: "the kubelet's own credential takes the token's place",
  plan: ({ spec }) => [
    `request a certificate for system:node:${spec.nodeName}`,
    `write ${join(spec.configFolder, "pki/ca.crt")}`,
    `write ${kubeconfigOf(spec)}`,
  ],
  run: async (context) => {
    const { spec, learned, signal } = context;
    const keyPair = generateKeyPair();
    using client = asJoiner(context);
    const certificate = await requestCertificate(
      {
        signer: "kubernetes.io/kube-apiserver-client-kubelet",
        nodeName: spec.nodeName,
        names: [],
        keyPair,
        timeoutMs: wait.certificateMs,
      },
      { ...context, client },
      signal,
    );
    const { server, authority } = learned.found ?? { server: "", authority: "" };
    const config = kubeConfig({
      cluster: specDefaults.clusterName,
      server,
      authority,
      user: `system:node:${spec.nodeName}`,
      certificate,
      key: privateKeyPem(keyPair.privateKey),
    });
    await writeFileAtomically(join(spec.configFolder, "pki/ca.crt"), authority, 0o644);
    await writeFileAtomically(kubeconfigOf(spec), kubeConfigText(config), 0o600);
    context.say("[tls-bootstrap] the cluster signed this node's certificate");
  },
};

const images: JoinPhase = {
  name: "images",
  because: "no registry has this very version: they are made of what is installed here",
  plan: () => [`build ${specDefaults.images.tskube}`],
  run: async ({ provideImages, say }) => {
    for (const line of await provideImages()) say(`[images] ${line}`);
  },
};

const kubeletStart: JoinPhase = {
  name: "kubelet-start",
  because: "the machine becomes a node",
  plan: ({ spec }) => [
    `write ${join(spec.dataFolder, "config.yaml")}`,
    "start tskube node: runtime, kubelet, pod routes and service proxy of this machine",
  ],
  run: async (context) => {
    const { spec, learned, clock, say, nodeLog, signal } = context;
    const { kubeletConfiguration = "", podSubnet = "", serviceSubnet = "" } = learned;
    await writeFileAtomically(join(spec.dataFolder, "config.yaml"), kubeletConfiguration, 0o644);
    await context.startNode({ podSubnet, serviceSubnet });
    using client = await clientOf(kubeconfigOf(spec), clock);
    const what = `the node ${spec.nodeName} to register`;
    await waitFor(
      { what, timeoutMs: wait.nodeMs, clock, say, remedy: `see ${nodeLog}` },
      async () => {
        const { status } = await client.resource(nodes).get({ name: spec.nodeName }, signal);
        // Its serving certificate is approved for these.
        if ((status?.addresses ?? []).length === 0) throw new Error("no addresses told yet");
      },
      signal,
    );
    say(`[kubelet-start] the node ${spec.nodeName} is registered`);
  },
};

const kubeletServing: JoinPhase = {
  name: "kubelet-serving",
  because: "the API server reaches logs and exec of this node over TLS that it can verify",
  plan: ({ spec }) => [`write ${join(spec.configFolder, "pki/kubelet.crt")}`],
  run: async (context) => {
    const { spec, clock, say, signal } = context;
    const keyPair = generateKeyPair();
    using client = await clientOf(kubeconfigOf(spec), clock);
    const certificate = await requestCertificate(
      {
        signer: "kubernetes.io/kubelet-serving",
        nodeName: spec.nodeName,
        names: [spec.nodeName, spec.nodeAddress],
        keyPair,
        timeoutMs: wait.certificateMs,
      },
      { ...context, client },
      signal,
    );
    const pki = join(spec.configFolder, "pki");
    // The key first: who sees the certificate finds its key.
    await writeFileAtomically(join(pki, "kubelet.key"), privateKeyPem(keyPair.privateKey), 0o600);
    await writeFileAtomically(join(pki, "kubelet.crt"), certificate, 0o644);
    say("[kubelet-serving] the cluster signed the certificate under which the kubelet serves");
  },
};

const ready: JoinPhase = {
  name: "wait-ready",
  because: "the machine has joined when it takes pods",
  plan: ({ spec }) => [`wait for node ${spec.nodeName} to be Ready`],
  run: async ({ spec, clock, say, nodeLog, signal }) => {
    using client = await clientOf(kubeconfigOf(spec), clock);
    const what = `the node ${spec.nodeName} to be Ready`;
    await waitFor(
      { what, timeoutMs: wait.nodeMs, clock, say, remedy: `see ${nodeLog}` },
      async () => {
        const { status } = await client.resource(nodes).get({ name: spec.nodeName }, signal);
        const condition = status?.conditions?.find(({ type }) => type === "Ready");
        if (condition?.status !== "True") throw new Error(condition?.message ?? "no status yet");
      },
      signal,
    );
    say(`[wait-ready] the node ${spec.nodeName} is Ready`);
  },
};

/** `join`, `--dry-run`, `--skip-phases` and `join phase NAME` are four readings of this list. */
export const joinPhases: readonly JoinPhase[] = [
  preflight,
  discovery,
  readConfig,
  tlsBootstrap,
  images,
  kubeletStart,
  kubeletServing,
  ready,
];

/**
 * What a join that failed before the node's process ran has written: a next try finds none of it.
 */
export async function forgetJoin({ configFolder, dataFolder }: JoinSpec): Promise<void> {
  const files = [
    join(configFolder, "kubelet.conf"),
    join(configFolder, "pki/ca.crt"),
    join(dataFolder, "config.yaml"),
  ];
  for (const file of files) await rm(file, { force: true });
}
