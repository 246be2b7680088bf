import { existsSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { specDefaults } from "../../pkg/kubeadm/cluster-spec.ts";
import { removeCluster } from "../tskube/remove-cluster.ts";
import { clusterDefaults } from "../wiring/cluster-settings.ts";
import { logFlags } from "../wiring/doors.ts";
import { runProgram } from "../wiring/run-program.ts";
import { nodeLog } from "./machine.ts";
import { distFolder, forgetNodeStart } from "./node-process.ts";

const text = {
  name: "tsadm reset",
  about: "takes this machine out of its cluster, and removes all that init or join made on it",
};
const flags = {
  force: { short: "f", kind: "bool", help: "Do not ask" },
  ...logFlags,
} as const;

/** Who says nothing, as a script without a terminal, is not sure. */
async function isSure(): Promise<boolean> {
  process.stdout.write(
    "This ends every pod of this machine and removes its files, etcd's data among them. Go on? [y/N] ",
  );
  const lines = createInterface({ input: process.stdin });
  const { value = "" } = await lines[Symbol.asyncIterator]().next();
  lines.close();
  return /^y(es)?$/i.test(value.trim());
}

const say = (line: string): void => void process.stdout.write(`[reset] ${line}\n`);

export const reset = (words: readonly string[]): Promise<void> =>
  runProgram(
    text,
    flags,
    async ({ flags: given }) => {
      if (!given.force && !(await isSure()))
        throw new Error("stopped, nothing was changed; --force does not ask");
      const isControlPlane = existsSync(join(specDefaults.configFolder, "manifests/etcd.yaml"));
      forgetNodeStart();
      await removeCluster({
        configFolder: specDefaults.configFolder,
        dataFolder: specDefaults.dataFolder,
        runFolder: specDefaults.runFolder,
        podLogsPath: "/var/log/pods",
        bridge: clusterDefaults.bridge,
        keepsData: false,
        program: join(distFolder(), "tskube.mjs"),
        say,
      });
      rmSync(nodeLog, { force: true });
      say(`removed ${dirname(nodeLog)}/node.log`);
      if (!isControlPlane) say("the cluster still knows the node: tskubectl delete node NAME");
    },
    words,
  );
