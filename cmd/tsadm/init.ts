import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { UsageError, type Flags } from "../../pkg/base/flags.ts";
import { generateToken } from "../../pkg/kubeadm/join-token.ts";
import { imagesIn, specDefaults, type ClusterSpec } from "../../pkg/kubeadm/cluster-spec.ts";
import { initFileOf, versionProblem, type InitFile } from "../../pkg/kubeadm/configuration.ts";
import { durationMs } from "../../pkg/base/duration.ts";
import { describeSource, imageSource, repositoryOf } from "../../pkg/kubeadm/image-source.ts";
import { initPhases, waitForSignature, type InitContext } from "../../pkg/kubeadm/init-phases.ts";
import { parseEndpoint } from "../../pkg/kubeadm/endpoint.ts";
import { specProblem } from "../../pkg/kubeadm/spec-problem.ts";
import { joinLine } from "../../pkg/kubeadm/join-line.ts";
import { isExternal } from "../../pkg/pki/cluster-pki-plan.ts";
import { runSetup, selectPhases } from "../../pkg/kubeadm/setup-phase.ts";
import type { Random } from "../../pkg/base/random.ts";
import { defaultNodeAddress, defaultNodeName } from "../wiring/cluster-settings.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { splitList } from "../wiring/run-commands.ts";
import { runProgram } from "../wiring/run-program.ts";
import { readConfigFileWarning } from "./config-file.ts";
import { allParts, imagesFlag, provide } from "./images.ts";
import { machineFacts, nodeLog } from "./machine.ts";
import { startNode } from "./node-process.ts";

const text = {
  name: "tsadm init",
  about: "makes this machine the first of a cluster; init phase NAME runs one phase of it",
};
const flags = {
  config: {
    kind: "text",
    help:
      "File with InitConfiguration, ClusterConfiguration (v1beta4), KubeletConfiguration and " +
      "KubeProxyConfiguration",
  },
  "apiserver-advertise-address": { kind: "text", help: "This machine's address for others" },
  "apiserver-bind-port": { kind: "number", help: `Of the API server (${specDefaults.bindPort})` },
  "apiserver-cert-extra-sans": { kind: "list", help: "More names of the API server" },
  "control-plane-endpoint": { kind: "text", help: "host:port in every kubeconfig" },
  "node-name": { kind: "text", help: "Name of this node (the host's name)" },
  "pod-network-cidr": { kind: "text", help: `Addresses of pods (${specDefaults.podSubnet})` },
  "service-cidr": { kind: "text", help: `Addresses of Services (${specDefaults.serviceSubnet})` },
  "service-dns-domain": {
    kind: "text",
    help: `Of the cluster's names (${specDefaults.dnsDomain})`,
  },
  "image-repository": {
    kind: "text",
    help: `Where the cluster's images are (${specDefaults.imageRepository}: made here)`,
  },
  ...imagesFlag,
  "kubernetes-version": {
    kind: "text",
    help: `Of the cluster: only ${specDefaults.kubernetesVersion} can be had`,
  },
  "skip-token-print": { kind: "bool", help: "Do not print the line that others join with" },
  token: { kind: "text", help: "The bootstrap token (a new one)" },
  "token-ttl": { kind: "text", help: "How long it is good; 0: without an end (24h0m0s)" },
  "skip-phases": { kind: "list", help: "Phases that are left out" },
  "ignore-preflight-errors": { kind: "list", help: "Checks that only warn, or all" },
  "dry-run": { kind: "bool", help: "Say what would be done, and do nothing" },
  ...logFlags,
} as const;
type InitFlags = Flags<typeof flags>;

/** A registry that images are taken from is that of the cluster's pods too. */
function imagesOf(given: InitFlags, file: InitFile) {
  const named = given["image-repository"] ?? file.imageRepository ?? specDefaults.imageRepository;
  const source = imageSource(given.images, named);
  return { source, imageRepository: repositoryOf(source, named) };
}

/** Flags over the file over defaults. */
function specOf(given: InitFlags, file: InitFile, random: Random): ClusterSpec {
  const address =
    given["apiserver-advertise-address"] ?? file.advertiseAddress ?? defaultNodeAddress();
  const problem = versionProblem(given["kubernetes-version"]);
  if (problem !== undefined) throw new UsageError(`--kubernetes-version ${problem}`);
  const nodeAddress = file.kubeletArguments?.nodeAddress ?? address;
  if (nodeAddress !== address) {
    throw new UsageError(
      `node-ip ${nodeAddress}: this node's address is the advertised ${address}`,
    );
  }
  if (isIP(address) !== 4) throw new UsageError(`${address} is no IPv4 address`);
  const bindPort = given["apiserver-bind-port"] ?? file.bindPort ?? specDefaults.bindPort;
  const endpoint = given["control-plane-endpoint"] ?? file.controlPlaneEndpoint ?? address;
  const ttl = given["token-ttl"] ?? file.tokenTtl;
  const sans = splitList(given["apiserver-cert-extra-sans"]);
  const { imageRepository } = imagesOf(given, file);
  const spec: ClusterSpec = {
    ...specDefaults,
    ...passedOn(file),
    imageRepository,
    images: imagesIn(imageRepository),
    isAuthorityExternal: isExternal(
      { make: "authority", file: "ca" },
      { has: (file) => existsSync(join(specDefaults.configFolder, "pki", file)) },
    ),
    nodeName: given["node-name"] ?? file.nodeName ?? defaultNodeName(),
    advertiseAddress: address,
    bindPort,
    controlPlaneEndpoint: parseEndpoint(endpoint, bindPort) ?? endpoint,
    certSANs: sans.length === 0 ? (file.certSANs ?? []) : sans,
    clusterName: file.clusterName ?? specDefaults.clusterName,
    podSubnet: given["pod-network-cidr"] ?? file.podSubnet ?? specDefaults.podSubnet,
    serviceSubnet: given["service-cidr"] ?? file.serviceSubnet ?? specDefaults.serviceSubnet,
    dnsDomain: given["service-dns-domain"] ?? file.dnsDomain ?? specDefaults.dnsDomain,
    token: given.token ?? file.token ?? generateToken(random),
    tokenTtlMs: ttl === undefined ? specDefaults.tokenTtlMs : durationMs(ttl),
  };
  const wrong = specProblem(spec);
  if (wrong !== undefined) throw new UsageError(wrong);
  return spec;
}

/** What only a file can say. */
const passedOn = (file: InitFile): Partial<ClusterSpec> => ({
  ...(file.extraArgs === undefined ? {} : { extraArgs: file.extraArgs }),
  ...(file.taints === undefined ? {} : { taints: file.taints }),
  ...(file.kubelet === undefined ? {} : { kubelet: file.kubelet }),
  ...(file.proxy === undefined ? {} : { proxy: file.proxy }),
  ...(file.tokenDescription === undefined ? {} : { tokenDescription: file.tokenDescription }),
  ...(file.tokenGroups === undefined ? {} : { tokenGroups: file.tokenGroups }),
  ...(file.timeouts === undefined ? {} : { timeouts: file.timeouts }),
  isProxyDisabled: file.isProxyDisabled === true,
  isDnsDisabled: file.isDnsDisabled === true,
});

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function runInit(
  given: InitFlags,
  only: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const doors = systemDoors("tsadm", given["log-level"] ?? "warn");
  const { config = "", "dry-run": isDry } = given;
  const file = initFileOf(await readConfigFileWarning(given.config), config);
  const spec = specOf(given, file, doors.random);
  const { source } = imagesOf(given, file);
  const context: InitContext = {
    ...doors,
    spec,
    say,
    signal,
    nodeLog,
    ignoredChecks: [...splitList(given["ignore-preflight-errors"]), ...(file.ignoredChecks ?? [])],
    facts: () => machineFacts(spec),
    plannedImages: () => describeSource(source, spec.images, allParts),
    provideImages: () => provide({ ...spec, source, parts: allParts }, doors, signal),
    startNode: async () =>
      startNode({
        ...spec,
        nodeAddress: spec.advertiseAddress,
        labels: file.kubeletArguments?.labels ?? {},
        log: nodeLog,
      }),
  };
  const skipped = [...splitList(given["skip-phases"]), ...(file.skipPhases ?? [])];
  const chosen = selectPhases(initPhases, { skipped, ...(only === undefined ? {} : { only }) });
  const onlyTells = isDry || file.dryRun === true;
  await runSetup(chosen, context, onlyTells);
  if (only !== undefined || onlyTells) return;
  if (chosen.some(({ name }) => name === "bootstrap-token")) await waitForSignature(context);
  say(await farewell(spec, given["skip-token-print"]));
}

async function farewell(spec: ClusterSpec, isSilent: boolean): Promise<string> {
  const { configFolder, controlPlaneEndpoint: endpoint, token } = spec;
  const start = ["", "The control plane of your cluster runs.", "", "To use it:", ""];
  const lines = [...start, `  export KUBECONFIG=${configFolder}/admin.conf`, ""];
  const line = isSilent
    ? "(tsadm token create --print-join-command prints the line)"
    : await joinLine({ endpoint, token, pkiFolder: `${configFolder}/pki` });
  return [...lines, "To let another machine join, run there as root:", "", line].join("\n");
}

export async function init(given: readonly string[]): Promise<void> {
  const [first, name, ...rest] = given;
  const isPhase = first === "phase";
  if (isPhase && (name === undefined || name.startsWith("-"))) {
    const lines = initPhases.map((phase) => `  ${phase.name.padEnd(20)} ${phase.because}`);
    return say(["tsadm init phase NAME", "", "Phases:", ...lines].join("\n"));
  }
  await runProgram(
    text,
    flags,
    ({ flags: parsed, args: [more] }, signal) => {
      if (more !== undefined) throw new UsageError(`unexpected argument ${more}`);
      return runInit(parsed, isPhase ? name : undefined, signal);
    },
    isPhase ? rest : given,
  );
}
