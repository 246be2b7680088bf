import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import { UsageError, type Flags } from "../../pkg/base/flags.ts";
import { generateToken } from "../../pkg/kubeadm/join-token.ts";
import { specDefaults, type ClusterSpec } from "../../pkg/kubeadm/cluster-spec.ts";
import { parseInitFile, type InitFile } from "../../pkg/kubeadm/configuration.ts";
import { durationMs } from "../../pkg/base/duration.ts";
import { initPhases, waitForSignature, type InitContext } from "../../pkg/kubeadm/init-phases.ts";
import { joinLine } from "../../pkg/kubeadm/join-line.ts";
import { runSetup, selectPhases } from "../../pkg/kubeadm/setup-phase.ts";
import type { Random } from "../../pkg/base/random.ts";
import { defaultNodeAddress, defaultNodeName } from "../wiring/cluster-settings.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runProgram } from "../wiring/run-program.ts";
import { machineFacts, nodeLog, provideImages } from "./machine.ts";
import { startNode } from "./node-process.ts";

const text = {
  name: "tsadm init",
  about: "makes this machine the first of a cluster; init phase NAME runs one phase of it",
};
const flags = {
  config: { kind: "text", help: "File with InitConfiguration and ClusterConfiguration (v1beta4)" },
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
  token: { kind: "text", help: "The bootstrap token (a new one)" },
  "token-ttl": { kind: "text", help: "How long it is good; 0: without an end (24h0m0s)" },
  "skip-phases": { kind: "list", help: "Phases that are left out" },
  "ignore-preflight-errors": { kind: "list", help: "Checks that only warn, or all" },
  "dry-run": { kind: "bool", help: "Say what would be done, and do nothing" },
  ...logFlags,
} as const;
type InitFlags = Flags<typeof flags>;

const readConfig = async (file: string | undefined): Promise<InitFile> =>
  file === undefined ? {} : parseInitFile(await readFile(file, "utf8"), file);

const words = (list: readonly string[]): readonly string[] =>
  list.flatMap((value) => value.split(",")).filter((value) => value !== "");

/** Flags over the file over defaults. */
function specOf(given: InitFlags, file: InitFile, random: Random): ClusterSpec {
  const address =
    given["apiserver-advertise-address"] ?? file.advertiseAddress ?? defaultNodeAddress();
  if (isIP(address) !== 4) throw new UsageError(`${address} is no IPv4 address`);
  const bindPort = given["apiserver-bind-port"] ?? file.bindPort ?? specDefaults.bindPort;
  const endpoint = given["control-plane-endpoint"] ?? file.controlPlaneEndpoint ?? address;
  const ttl = given["token-ttl"] ?? file.tokenTtl;
  const sans = words(given["apiserver-cert-extra-sans"]);
  return {
    ...specDefaults,
    nodeName: given["node-name"] ?? file.nodeName ?? defaultNodeName(),
    advertiseAddress: address,
    bindPort,
    controlPlaneEndpoint: endpoint.includes(":") ? endpoint : `${endpoint}:${bindPort}`,
    certSANs: sans.length === 0 ? (file.certSANs ?? []) : sans,
    clusterName: file.clusterName ?? specDefaults.clusterName,
    podSubnet: given["pod-network-cidr"] ?? file.podSubnet ?? specDefaults.podSubnet,
    serviceSubnet: given["service-cidr"] ?? file.serviceSubnet ?? specDefaults.serviceSubnet,
    dnsDomain: given["service-dns-domain"] ?? file.dnsDomain ?? specDefaults.dnsDomain,
    token: given.token ?? file.token ?? generateToken(random),
    tokenTtlMs: ttl === undefined ? specDefaults.tokenTtlMs : durationMs(ttl),
  };
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function runInit(
  given: InitFlags,
  only: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const doors = systemDoors("tsadm", given["log-level"] ?? "warn");
  const spec = specOf(given, await readConfig(given.config), doors.random);
  const context: InitContext = {
    ...doors,
    spec,
    say,
    signal,
    nodeLog,
    ignoredChecks: words(given["ignore-preflight-errors"]),
    facts: () => machineFacts(spec),
    provideImages: () => provideImages({ ...spec.images, dataFolder: spec.dataFolder }, doors),
    startNode: async () => startNode({ ...spec, nodeAddress: spec.advertiseAddress, log: nodeLog }),
  };
  const skipped = words(given["skip-phases"]);
  const chosen = selectPhases(initPhases, { skipped, ...(only === undefined ? {} : { only }) });
  await runSetup(chosen, context, given["dry-run"]);
  if (only !== undefined || given["dry-run"]) return;
  if (chosen.some(({ name }) => name === "bootstrap-token")) await waitForSignature(context);
  say(await farewell(spec));
}

const farewell = async (spec: ClusterSpec): Promise<string> =>
  [
    "",
    "The control plane of your cluster runs.",
    "",
    "To use it:",
    "",
    `  export KUBECONFIG=${spec.configFolder}/admin.conf`,
    "",
    "To let another machine join, run there as root:",
    "",
    await joinLine({
      endpoint: spec.controlPlaneEndpoint,
      token: spec.token,
      pkiFolder: `${spec.configFolder}/pki`,
    }),
  ].join("\n");

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
    ({ flags: parsed }, signal) => runInit(parsed, isPhase ? name : undefined, signal),
    isPhase ? rest : given,
  );
}
