/** A runtime of one's own: tskube-cri from source, in folders and on a bridge of its own. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { join } from "node:path";
import { removeCriRuntime } from "../cmd/wiring/remove-cri.ts";
import { systemDoors } from "../cmd/wiring/doors.ts";

const project = join(import.meta.dirname, "..");
const serviceCidr = "10.96.0.0/16";

export interface OwnRuntime extends AsyncDisposable {
  readonly socket: string;
  readonly daemonPid: number;
  /** Absent before the first container. */
  readonly supervisorPid: () => number | undefined;
}

/** Runs this script again, in network and mount namespaces that end with it. Returns its code. */
export function runInNamespaces(
  script: string,
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): number {
  const namespaces = ["--net", "--mount", "--propagation", "private"];
  const program = [process.execPath, ...process.execArgv, script, ...words];
  const { status } = spawnSync("unshare", [...namespaces, ...program], {
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  return status ?? 1;
}

/** `registriesFile`: may not exist. Everything of it is removed when it is disposed. */
export async function startOwnRuntime(
  folder: string,
  names: { readonly bridge: string; readonly podCidr: string },
  more: { readonly registriesFile?: string; readonly nodeOptions?: readonly string[] } = {},
): Promise<OwnRuntime> {
  const { registriesFile = join(folder, "registries.yaml"), nodeOptions = [] } = more;
  const socket = join(folder, "cri.sock");
  const flags = {
    socket,
    root: join(folder, "data"),
    state: join(folder, "run"),
    "pod-cidr": names.podCidr,
    bridge: names.bridge,
    registries: registriesFile,
  };
  const words = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  const log = openSync(join(folder, "tskube-cri.log"), "a");
  const main = join(project, "cmd/tskube-cri/main.ts");
  const daemon = spawn(process.execPath, [...process.execArgv, ...nodeOptions, main, ...words], {
    stdio: ["ignore", "pipe", log],
    cwd: folder,
  });
  for await (const line of daemon.stdout ?? []) if (String(line).includes("serving CRI")) break;
  daemon.stdout?.resume();
  return {
    socket,
    daemonPid: daemon.pid ?? 0,
    supervisorPid: () => childWith(flags.state, daemon.pid ?? 0),
    [Symbol.asyncDispose]: async () => {
      const ended = once(daemon, "exit");
      daemon.kill("SIGTERM");
      await ended;
      const supervisor = [
        process.execPath,
        join(project, "cmd/tskube-supervisor/main.ts"),
      ] as const;
      const folders = { dataFolder: flags.root, runFolder: flags.state, supervisor };
      const options = { ...folders, ...names, serviceCidr, registriesFile };
      await removeCriRuntime(options, systemDoors("own-runtime", "error"));
    },
  };
}

/** The supervisor is found by the folder that it is told, and has left its parent. */
function childWith(stateFolder: string, not: number): number | undefined {
  const { stdout } = spawnSync("pgrep", ["-f", `tskube-supervisor.*${stateFolder}`], {
    encoding: "utf8",
  });
  return stdout
    .split("\n")
    .map(Number)
    .find((pid) => pid > 0 && pid !== not && pid !== process.pid);
}
