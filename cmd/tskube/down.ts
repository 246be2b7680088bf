import { clusterDefaults } from "../wiring/cluster-settings.ts";
import { logFlags } from "../wiring/doors.ts";
import { runProgram } from "../wiring/run-program.ts";
import { removeCluster } from "./remove-cluster.ts";

const text = {
  name: "tskube down",
  about: "stops the cluster of this machine and removes what it left",
};
const flags = {
  "config-dir": {
    kind: "text",
    help: `Kubeconfigs, PKI, manifests (${clusterDefaults.configFolder})`,
  },
  "data-dir": { kind: "text", help: `Objects, images, volumes (${clusterDefaults.dataFolder})` },
  "run-dir": { kind: "text", help: `Sockets, namespaces (${clusterDefaults.runFolder})` },
  "pod-logs": { kind: "text", help: "Containers' logs (/var/log/pods)" },
  bridge: { kind: "text", help: `Name of the pods' bridge (${clusterDefaults.bridge})` },
  "keep-data": { kind: "bool", help: "Keep objects, images, PKI and logs" },
  ...logFlags,
} as const;

export const down = (words: readonly string[]): Promise<void> =>
  runProgram(
    text,
    flags,
    async ({ flags: given }) => {
      await removeCluster({
        configFolder: given["config-dir"] ?? clusterDefaults.configFolder,
        dataFolder: given["data-dir"] ?? clusterDefaults.dataFolder,
        runFolder: given["run-dir"] ?? clusterDefaults.runFolder,
        podLogsPath: given["pod-logs"] ?? "/var/log/pods",
        bridge: given.bridge ?? clusterDefaults.bridge,
        keepsData: given["keep-data"],
        say: (line) => void process.stdout.write(`${line}\n`),
      });
    },
    words,
  );
