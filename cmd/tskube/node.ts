import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Flags } from "../../pkg/base/flags.ts";
import {
  defaultKubeletSettings,
  parseKubeletConfiguration,
} from "../../pkg/kubeadm/kubelet-configuration.ts";
import { runClusterNode } from "../wiring/cluster-node.ts";
import {
  clusterDefaults,
  defaultNodeAddress,
  defaultNodeName,
} from "../wiring/cluster-settings.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { ownProgram } from "../wiring/sibling-program.ts";
import { splitList } from "../wiring/run-commands.ts";
import { runProgram } from "../wiring/run-program.ts";
import { keepThisProcess, letGo } from "./kept-process.ts";

const text = {
  name: "tskube node",
  about: "runs this machine as a node of a cluster: runtime, kubelet, pod routes",
};
const flags = {
  "config-dir": {
    kind: "text",
    help: `kubelet.conf, PKI, manifests (${clusterDefaults.configFolder})`,
  },
  "data-dir": {
    kind: "text",
    help: `Images, volumes, config.yaml (${clusterDefaults.dataFolder})`,
  },
  "run-dir": { kind: "text", help: `Sockets, namespaces (${clusterDefaults.runFolder})` },
  "node-name": { kind: "text", help: "Name of this node (the host's name)" },
  "node-ip": { kind: "text", help: "Its address for others (the first that is not loopback)" },
  "node-labels": { kind: "list", help: "NAME=VALUE,… of its first registration" },
  "service-cidr": { kind: "text", help: `Addresses of Services (${clusterDefaults.serviceCidr})` },
  "cluster-cidr": { kind: "text", help: "Addresses of all nodes' pods (10.244.0.0/16)" },
  bridge: { kind: "text", help: `Name of the pods' bridge (${clusterDefaults.bridge})` },
  ...logFlags,
} as const;

async function runNode(given: Flags<typeof flags>, signal: AbortSignal): Promise<void> {
  const doors = systemDoors("tskube", given["log-level"]);
  const dataFolder = given["data-dir"] ?? clusterDefaults.dataFolder;
  const runFolder = given["run-dir"] ?? clusterDefaults.runFolder;
  for (const folder of [dataFolder, runFolder]) mkdirSync(folder, { recursive: true });
  keepThisProcess(runFolder);
  signal.addEventListener("abort", () => letGo(runFolder), { once: true });
  const file = join(dataFolder, "config.yaml");
  const written = await readFile(file, "utf8").catch(() => undefined);
  const kubelet =
    written === undefined ? defaultKubeletSettings : parseKubeletConfiguration(written, file);
  await runClusterNode(
    {
      configFolder: given["config-dir"] ?? clusterDefaults.configFolder,
      dataFolder,
      runFolder,
      podLogsPath: "/var/log/pods",
      nodeName: given["node-name"] ?? defaultNodeName(),
      nodeAddress: given["node-ip"] ?? defaultNodeAddress(),
      clusterCidr: given["cluster-cidr"] ?? "10.244.0.0/16",
      serviceCidr: given["service-cidr"] ?? clusterDefaults.serviceCidr,
      bridge: given.bridge ?? clusterDefaults.bridge,
      kubelet,
      labels: Object.fromEntries(
        splitList(given["node-labels"]).map((text) => {
          const [name = "", value = ""] = text.split("=");
          return [name, value] as const;
        }),
      ),
      supervisor: ownProgram("supervisor"),
    },
    doors,
    signal,
  );
}

export const node = (words: readonly string[]): Promise<void> =>
  runProgram(text, flags, ({ flags: given }, signal) => runNode(given, signal), words);
