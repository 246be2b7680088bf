import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname, join } from "node:path";
import { readKept } from "../tskube/kept-process.ts";

/** Where the built programs are: beside this one, or in the tree that it is a source of. */
export const distFolder = (): string => {
  const own = dirname(process.argv[1] ?? "");
  return existsSync(join(own, "tskube.mjs")) ? own : join(import.meta.dirname, "../../dist");
};

export interface NodeStart {
  readonly configFolder: string;
  readonly dataFolder: string;
  readonly runFolder: string;
  readonly nodeName: string;
  readonly nodeAddress: string;
  readonly podSubnet: string;
  readonly serviceSubnet: string;
  readonly log: string;
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** Starts `tskube node` in the background, unless it runs; its supervisor keeps it running. */
export function startNode(start: NodeStart): void {
  const kept = readKept(start.runFolder);
  if (kept !== undefined && isAlive(kept.pid)) return;
  mkdirSync(dirname(start.log), { recursive: true });
  const log = openSync(start.log, "a", 0o600);
  const words = [
    "--disable-warning=ExperimentalWarning",
    join(distFolder(), "tskube.mjs"),
    "node",
    `--config-dir=${start.configFolder}`,
    `--data-dir=${start.dataFolder}`,
    `--run-dir=${start.runFolder}`,
    `--node-name=${start.nodeName}`,
    `--node-ip=${start.nodeAddress}`,
    `--cluster-cidr=${start.podSubnet}`,
    `--service-cidr=${start.serviceSubnet}`,
  ];
  const child = spawn(process.execPath, words, { detached: true, stdio: ["ignore", log, log] });
  child.unref();
  closeSync(log);
}
