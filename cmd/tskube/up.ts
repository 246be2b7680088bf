import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { SqliteStorage } from "../../pkg/storage/sqlite.ts";
import {
  clusterDefaults,
  firstAddress,
  machineAddress,
  defaultNodeName,
  type ClusterSettings,
} from "../wiring/cluster-settings.ts";
import { startControlPlane } from "../wiring/control-plane.ts";
import { describeLacks, lacksForContainers } from "./preflight.ts";
import { runSimulating } from "../wiring/simulating.ts";
import { keepThisProcess, letGo } from "./kept-process.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runNode, type NodeOptions } from "../wiring/node.ts";
import { ownProgram } from "../wiring/sibling-program.ts";
import { runProgram } from "../wiring/run-program.ts";
import type { Flags } from "../../pkg/base/flags.ts";

const simulatedNodes = 3;
const text = { name: "tskube up", about: "runs a whole cluster of one node in this process" };
export const upFlags = {
  "config-dir": {
    kind: "text",
    help: `Kubeconfigs, PKI, manifests (${clusterDefaults.configFolder})`,
  },
  "data-dir": { kind: "text", help: `Objects, images, volumes (${clusterDefaults.dataFolder})` },
  "run-dir": {
    kind: "text",
    help: `Sockets, namespaces, what lasts until a reboot (${clusterDefaults.runFolder})`,
  },
  "pod-logs": { kind: "text", help: "Containers' logs (/var/log/pods)" },
  "node-name": { kind: "text", help: "Name of this node (the host's name)" },
  "node-ip": {
    kind: "text",
    help: "Address of this machine for others (the first that is not loopback)",
  },
  "secure-port": { kind: "number", help: `Port of the API server (${clusterDefaults.securePort})` },
  "kubelet-port": {
    kind: "number",
    help: `Port of the node's own API (${clusterDefaults.kubeletPort})`,
  },
  "service-cidr": { kind: "text", help: `Addresses of Services (${clusterDefaults.serviceCidr})` },
  "pod-cidr": { kind: "text", help: `Addresses of pods (${clusterDefaults.podCidr})` },
  bridge: { kind: "text", help: `Name of the pods' bridge (${clusterDefaults.bridge})` },
  simulate: { kind: "bool", help: "Simulated nodes: no privileges, no containers" },
  nodes: { kind: "number", help: "With --simulate: how many nodes (3)" },
  ...logFlags,
} as const;
export type UpFlags = Flags<typeof upFlags>;

/** Where things lie: the machine's folders, or for a simulation without root the user's own. */
interface Folders {
  readonly config: string;
  readonly data: string;
  readonly run: string;
}

function foldersOf(given: UpFlags): Folders {
  const own = join(process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local/state"), "tskube");
  const isOwn = given.simulate && process.getuid?.() !== 0;
  return {
    config: given["config-dir"] ?? (isOwn ? own : clusterDefaults.configFolder),
    data: given["data-dir"] ?? (isOwn ? join(own, "data") : clusterDefaults.dataFolder),
    run: given["run-dir"] ?? (isOwn ? join(own, "run") : clusterDefaults.runFolder),
  };
}

function settingsOf(given: UpFlags, { config }: Folders): ClusterSettings {
  const podCidr = given["pod-cidr"] ?? clusterDefaults.podCidr;
  const address = given["node-ip"] ?? machineAddress();
  return {
    configFolder: config,
    pkiFolder: join(config, "pki"),
    nodeName: given["node-name"] ?? defaultNodeName(),
    nodeAddress: address ?? "127.0.0.1",
    // A machine without a network still has the pods' bridge.
    advertiseAddress: address ?? firstAddress(podCidr),
    securePort: given["secure-port"] ?? clusterDefaults.securePort,
    kubeletPort: given["kubelet-port"] ?? clusterDefaults.kubeletPort,
    serviceCidr: given["service-cidr"] ?? clusterDefaults.serviceCidr,
    dnsDomain: clusterDefaults.dnsDomain,
  };
}

const nodeOptions = (given: UpFlags, folders: Folders): NodeOptions => ({
  dataFolder: folders.data,
  runFolder: folders.run,
  podLogsPath: given["pod-logs"] ?? "/var/log/pods",
  podCidr: given["pod-cidr"] ?? clusterDefaults.podCidr,
  bridge: given.bridge ?? clusterDefaults.bridge,
  supervisor: ownProgram("supervisor"),
});

async function runUp(given: UpFlags, signal: AbortSignal): Promise<void> {
  const lacks = given.simulate ? [] : lacksForContainers();
  if (lacks.length > 0) throw new Error(describeLacks(lacks));
  const doors = systemDoors("tskube", given["log-level"]);
  const folders = foldersOf(given);
  const settings = settingsOf(given, folders);
  mkdirSync(folders.run, { recursive: true, mode: 0o755 });
  mkdirSync(join(folders.data, "objects"), { recursive: true, mode: 0o700 });
  if (!given.simulate) keepThisProcess(folders.run);
  signal.addEventListener("abort", () => letGo(folders.run), { once: true });
  const path = join(folders.data, "objects", "state.db");
  const storage = new SqliteStorage({ path, clock: doors.clock });
  const plane = await startControlPlane(settings, storage, doors, signal);
  const server = `https://${settings.nodeAddress}:${settings.securePort}`;
  const kubeconfig = join(settings.configFolder, "admin.conf");
  doors.logger.info({ server, kubeconfig }, "the API answers");
  const node = given.simulate
    ? runSimulating(given.nodes ?? simulatedNodes, plane.as, doors, signal)
    : runNode(settings, nodeOptions(given, folders), plane.as, doors, signal);
  await Promise.all([plane.ended, node]);
  await storage.close();
}

export const up = (words: readonly string[]): Promise<void> =>
  runProgram(text, upFlags, ({ flags }, signal) => runUp(flags, signal), words);
