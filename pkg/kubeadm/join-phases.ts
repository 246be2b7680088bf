import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { configMaps, nodes } from "../../api/resources.ts";
import type { Client } from "../client/client.ts";
import { writeFileAtomically } from "../files/atomic-file.ts";
import { isReason } from "../machinery/status-error.ts";
import {
  currentPath,
  readCertificateFile,
  kubeletCertificate,
  writeCertificateFile,
} from "../pki/certificate-file.ts";
import { generateKeyPair, privateKeyPem } from "../pki/keys.ts";
import { kubeConfig, kubeConfigText } from "../pki/kubeconfig.ts";
import { bootLine, startFileOf } from "./boot-plan.ts";
import { clientOf } from "./cluster-client.ts";
import { specDefaults } from "./cluster-spec.ts";
import { parseClusterConfiguration, type JoinedCluster } from "./configuration.ts";
import { asJoiner, discover } from "./discover.ts";
import { explainConnection, explainToken } from "./explain-connection.ts";
import type { JoinContext, JoinPhase, JoinSpec, Learned } from "./join-spec.ts";
import { parseKubeletConfiguration, withTaints } from "./kubelet-configuration.ts";
import { requestCertificate } from "./request-certificate.ts";
import { runPreflight } from "./run-preflight.ts";
import { waitFor } from "./wait.ts";

const wait = { certificateMs: 60_000, nodeMs: 120_000 } as const;

const nodeMs = ({ timeouts }: JoinSpec): number => timeouts?.kubeletMs ?? wait.nodeMs;

const preflight: JoinPhase = {
  name: "preflight",
  because: "what is wrong with the machine is told before anything is written",
  plan: () => ["look at the machine, and write nothing"],
  run: (context) => runPreflight(context, context.spec.nodeAddress, false),
};

const discovery: JoinPhase = {
  name: "discovery",
  because: "the machine must know that it talks to its cluster, before it says who it is",
  plan: ({ spec: { discovery: how } }) =>
    how.by === "file"
      ? [`read ${how.place}`]
      : [`read cluster-info of ${how.endpoint} and hold it against token and hash`],
  run: async (context) => {
    const { spec, learned, say } = context;
    const found = await discover(context);
    learned.found = found;
    const by = spec.discovery.by === "file" ? "discovery file" : "token and the hash";
    say(`[discovery] the cluster at ${found.server} is the one of the ${by}`);
  },
};

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
    using client = asJoiner(context, learned);
    const cluster = await readText(client, "kubeadm-config", "ClusterConfiguration", signal).catch(
      (cause: unknown) => {
        signal.throwIfAborted();
        throw whyUnreadable(learned.found?.server ?? "", cause);
      },
    );
    learned.cluster = parseClusterConfiguration(cluster);
    const kubelet = await readText(client, "kubelet-config", "kubelet", signal);
    parseKubeletConfiguration(kubelet, "ConfigMap kube-system/kubelet-config");
    learned.kubeletConfiguration = withTaints(kubelet, spec.taints);
    await checkName(client, spec, signal);
    say("[read-config] read the cluster's and the kubelet's configuration");
  },
};

function whyUnreadable(server: string, cause: unknown): Error {
  if (isReason(cause, "Unauthorized")) return explainToken(cause);
  if (isReason(cause, "Forbidden") || isReason(cause, "NotFound")) {
    return new Error("the cluster's configuration cannot be read with this credential", { cause });
  }
  return explainConnection(server, cause);
}

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

const clusterOf = ({ learned }: JoinContext): JoinedCluster => {
  if (learned.cluster === undefined) throw new Error("run the phase read-config first");
  return learned.cluster;
};

const images: JoinPhase = {
  name: "images",
  because: "pods of the cluster's own parts start without a registry",
  plan: ({ plannedImages }) => plannedImages(),
  run: async (context) => {
    const { imageRepository } = clusterOf(context);
    for (const line of await context.provideImages(imageRepository))
      context.say(`[images] ${line}`);
  },
};

const kubeconfigOf = ({ configFolder }: JoinSpec): string => join(configFolder, "kubelet.conf");

/** Told before they are written, so that a failure in between leaves none of them. */
const claim = ({ made }: Learned, paths: readonly string[]): void =>
  void made.push(...paths.filter((path) => !existsSync(path)));

const tlsBootstrap: JoinPhase = {
  name: "tls-bootstrap",
  because: "the kubelet's own credential takes the token's place",
  plan: ({ spec }) => [
    `request a certificate for system:node:${spec.nodeName}`,
    `write ${join(spec.configFolder, "pki/ca.crt")}`,
    `write ${currentPath(kubeletCertificate(spec.dataFolder, "kubelet-client"))}`,
    `write ${kubeconfigOf(spec)}`,
  ],
  run: async (context) => {
    const { spec, learned, signal, clock } = context;
    const keyPair = generateKeyPair();
    using client = asJoiner(context, learned);
    const certificate = await requestCertificate(
      {
        signer: "kubernetes.io/kube-apiserver-client-kubelet",
        nodeName: spec.nodeName,
        names: [],
        keyPair,
        timeoutMs: spec.timeouts?.tlsBootstrapMs ?? wait.certificateMs,
      },
      { ...context, client },
      signal,
    ).catch((cause: unknown) => {
      throw explainToken(cause);
    });
    const { server, authority } = learned.found ?? { server: "", authority: "" };
    const file = kubeletCertificate(spec.dataFolder, "kubelet-client");
    const authorityFile = join(spec.configFolder, "pki/ca.crt");
    claim(learned, [file.folder, authorityFile, kubeconfigOf(spec)]);
    const key = privateKeyPem(keyPair.privateKey);
    await writeCertificateFile(file, { certificate, key }, clock.now());
    const config = kubeConfig({
      cluster: specDefaults.clusterName,
      server,
      authority,
      user: `system:node:${spec.nodeName}`,
      credential: { file: currentPath(file) },
    });
    await writeFileAtomically(authorityFile, authority, 0o644);
    await writeFileAtomically(kubeconfigOf(spec), kubeConfigText(config), 0o600);
    context.say("[tls-bootstrap] the cluster signed this node's certificate");
  },
};

const kubeletStart: JoinPhase = {
  name: "kubelet-start",
  because: "the machine becomes a node",
  plan: ({ spec }) => [
    `write ${join(spec.dataFolder, "config.yaml")}`,
    `write ${startFileOf(spec.configFolder)}, which starts the node after a boot`,
    "start tskube node: runtime, kubelet and pod routes of this machine",
  ],
  run: async (context) => {
    const { spec, learned, clock, say, nodeLog, signal } = context;
    const { kubeletConfiguration = "" } = learned;
    const file = join(spec.dataFolder, "config.yaml");
    claim(learned, [file]);
    await writeFileAtomically(file, kubeletConfiguration, 0o644);
    await context.startNode(clusterOf(context));
    using client = await clientOf(kubeconfigOf(spec), clock);
    const what = `the node ${spec.nodeName} to register`;
    await waitFor(
      { what, timeoutMs: nodeMs(spec), clock, say, remedy: `see ${nodeLog}` },
      () => client.resource(nodes).get({ name: spec.nodeName }, signal),
      signal,
    );
    say(bootLine(spec.configFolder));
    say(`[kubelet-start] the node ${spec.nodeName} is registered`);
  },
};

const kubeletServing: JoinPhase = {
  name: "kubelet-serving",
  because: "the API server reaches logs and exec of this node over TLS that it can verify",
  plan: ({ spec }) => [
    `wait for ${currentPath(kubeletCertificate(spec.dataFolder, "kubelet-server"))}`,
  ],
  run: async ({ spec, clock, say, nodeLog, signal }) => {
    const remedy =
      `see ${nodeLog} and tskubectl get csr; one that is pending is approved with ` +
      "tskubectl certificate approve NAME";
    await waitFor(
      {
        what: "the certificate under which the kubelet serves",
        timeoutMs: spec.timeouts?.tlsBootstrapMs ?? wait.certificateMs,
        clock,
        say,
        remedy,
      },
      async () => {
        const file = kubeletCertificate(spec.dataFolder, "kubelet-server");
        const found = await readCertificateFile(file);
        if (found === undefined) throw new Error("the kubelet has none yet");
      },
      signal,
    );
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
      { what, timeoutMs: nodeMs(spec), clock, say, remedy: `see ${nodeLog}` },
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
  // Before the machine asks for anything: what cannot be had leaves nothing in the cluster.
  images,
  tlsBootstrap,
  kubeletStart,
  kubeletServing,
  ready,
];

/**
 * Removes what a join that failed before the node's process ran has made: a next try finds none of
 * it. What was there before stays, and so do images, as in every cache.
 */
export async function forgetJoin({ made }: Learned): Promise<void> {
  for (const path of made) await rm(path, { recursive: true, force: true });
}
