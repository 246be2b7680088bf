import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { openNftables } from "../../pkg/linux/nftables.ts";
import { removeBridgeNetwork } from "../../pkg/podnetwork/bridge-network.ts";
import { openCriRuntime, type CriRuntimeOptions } from "./cri-runtime.ts";
import type { Doors } from "./doors.ts";

/** A supervisor that does not end in this time hangs. */
const endMsMax = 10_000;
const pollMs = 20;

/**
 * Takes a node's containers, namespaces, mounts, cgroups and links away, whoever of its programs
 * still runs; no daemon may serve the same folders meanwhile. Images and the data folder stay.
 */
export async function removeCriRuntime(options: CriRuntimeOptions, doors: Doors): Promise<void> {
  {
    await using runtime = await openCriRuntime(options, doors);
    const { items = [] } = await runtime.service.listPodSandbox({});
    for (const { id = "" } of items) await runtime.service.removePodSandbox({ podSandboxId: id });
  }
  await stopSupervisor(join(options.runFolder, "supervisor"), doors);
  removeBridgeNetwork(options.bridge, openNftables());
  for (const folder of ["ns", "sandboxes", "supervisor"]) {
    await rm(join(options.runFolder, folder), { recursive: true, force: true });
  }
}

/** Ends the supervisor of a state folder. It outlives who started it, so it is looked for. */
export async function stopSupervisor(stateFolder: string, { clock }: Doors): Promise<void> {
  const pids = processesWith(stateFolder);
  for (const pid of pids) signal(pid, "SIGTERM");
  const deadline = clock.monotonic() + endMsMax;
  while (pids.some((pid) => signal(pid, 0))) {
    if (clock.monotonic() > deadline) throw new Error(`supervisor ${pids.join(", ")} does not end`);
    await clock.sleep(pollMs);
  }
}

/** Processes, but for us, of which one argument is the folder. */
function processesWith(folder: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => argumentsOf(name).includes(folder))
    .map(Number);
}

function argumentsOf(pid: string): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
  } catch {
    // It has just ended.
    return [];
  }
}

/** False when there is no such process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
