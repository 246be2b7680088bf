import { rm } from "node:fs/promises";
import { join } from "node:path";
import { openNftables } from "../../pkg/linux/nftables.ts";
import { removeBridgeNetwork } from "../../pkg/podnetwork/bridge-network.ts";
import { openCriRuntime, type CriRuntimeOptions } from "./cri-runtime.ts";
import type { Doors } from "./doors.ts";
import { endSupervisor } from "./end-process.ts";

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
  await endSupervisor(join(options.runFolder, "supervisor"));
  removeBridgeNetwork(options.bridge, openNftables());
  for (const folder of ["ns", "sandboxes", "supervisor"]) {
    await rm(join(options.runFolder, folder), { recursive: true, force: true });
  }
}
