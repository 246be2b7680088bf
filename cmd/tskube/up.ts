import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { SqliteStorage } from "../../pkg/storage/sqlite.ts";
import {
  clusterDefaults,
  defaultNodeAddress,
  defaultNodeName,
  type ClusterSettings,
} from "../wiring/cluster-settings.ts";
import { startControlPlane } from "../wiring/control-plane.ts";
import { keepThisProcess, letGo } from "./kept-process.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runNode, type NodeOptions } from "../wiring/node.ts";
import { runProgram } from "../wiring/run-program.ts";
import type { Flags } from "../../pkg/base/flags.ts";

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

const settingsOf = (given: UpFlags): ClusterSettings => {
  const configFolder = given["config-dir"] ?? clusterDefaults.configFolder;
  return {
    configFolder,
    pkiFolder: join(configFolder, "pki"),
    nodeName: given["node-name"] ?? defaultNodeName(),
    nodeAddress: given["node-ip"] ?? defaultNodeAddress(),
    securePort: given["secure-port"] ?? clusterDefaults.securePort,
    kubeletPort: given["kubelet-port"] ?? clusterDefaults.kubeletPort,
    serviceCidr: given["service-cidr"] ?? clusterDefaults.serviceCidr,
    dnsDomain: clusterDefaults.dnsDomain,
  };
};

/** The supervisor is this very program under another command. */
const supervisorCommand = (): readonly [string, ...string[]] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? "",
  "supervisor",
];

const nodeOptions = (given: UpFlags, runFolder: string, dataFolder: string): NodeOptions => ({
  dataFolder,
  runFolder,
  podLogsPath: "/var/log/pods",
  podCidr: given["pod-cidr"] ?? clusterDefaults.podCidr,
  bridge: given.bridge ?? clusterDefaults.bridge,
  supervisor: supervisorCommand(),
});

async function runUp(given: UpFlags, signal: AbortSignal): Promise<void> {
  const doors = systemDoors("tskube", given["log-level"]);
  const settings = settingsOf(given);
  const dataFolder = given["data-dir"] ?? clusterDefaults.dataFolder;
  const runFolder = given["run-dir"] ?? clusterDefaults.runFolder;
  mkdirSync(runFolder, { recursive: true, mode: 0o755 });
  mkdirSync(join(dataFolder, "objects"), { recursive: true, mode: 0o700 });
  keepThisProcess(runFolder);
  signal.addEventListener("abort", () => letGo(runFolder), { once: true });
  const storage = new SqliteStorage({
    path: join(dataFolder, "objects", "state.db"),
    clock: doors.clock,
  });
  const plane = await startControlPlane(settings, storage, doors, signal);
  doors.logger.info(
    { server: `https://${settings.nodeAddress}:${settings.securePort}` },
    "the API answers",
  );
  const node = runNode(
    settings,
    nodeOptions(given, runFolder, dataFolder),
    plane.as,
    doors,
    signal,
  );
  await Promise.all([plane.ended, node]);
  await storage.close();
}

export const up = (words: readonly string[]): Promise<void> =>
  runProgram(text, upFlags, ({ flags }, signal) => runUp(flags, signal), words);
