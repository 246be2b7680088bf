import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { writeFileAtomically } from "../../pkg/files/atomic-file.ts";
import {
  startFileOf,
  startFileText,
  unitFile,
  unitName,
  unitText,
} from "../../pkg/kubeadm/boot-plan.ts";
import { readKept, runs } from "../tskube/kept-process.ts";

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
  readonly labels?: Readonly<Record<string, string>>;
  readonly log: string;
}

const nodeWords = (start: NodeStart): readonly [program: string, ...words: string[]] => [
  process.execPath,
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
  ...Object.entries(start.labels ?? {}).map(([name, value]) => `--node-labels=${name}=${value}`),
];

/** sd_booted(3) */
const isSystemdMachine = (): boolean => existsSync("/run/systemd/system");

const systemctl = (...words: readonly string[]): void =>
  void execFileSync("systemctl", words, { stdio: ["ignore", "ignore", "pipe"] });

/**
 * Starts `tskube node` in the background, unless it runs; its supervisor keeps it running. Leaves
 * behind what starts it again after a boot: a file, and where systemd runs a unit that calls it.
 */
export async function startNode(start: NodeStart): Promise<void> {
  const words = nodeWords(start);
  const startFile = startFileOf(start.configFolder);
  await writeFileAtomically(startFile, startFileText(words), 0o755);
  mkdirSync(dirname(start.log), { recursive: true });
  if (isSystemdMachine()) {
    await writeFileAtomically(unitFile, unitText(startFile, start.log), 0o644);
    systemctl("daemon-reload");
    systemctl("enable", unitName);
  }
  const kept = readKept(start.runFolder);
  if (kept !== undefined && runs(kept)) return;
  if (isSystemdMachine()) return systemctl("restart", unitName);
  const log = openSync(start.log, "a", 0o600);
  const [program, ...rest] = words;
  const child = spawn(program, rest, { detached: true, stdio: ["ignore", log, log] });
  child.unref();
  closeSync(log);
}

/** Takes back what would start the node's process at the next boot. */
export function forgetNodeStart(): void {
  if (!existsSync(unitFile)) return;
  if (isSystemdMachine()) systemctl("disable", unitName);
  rmSync(unitFile, { force: true });
  if (isSystemdMachine()) systemctl("daemon-reload");
}
