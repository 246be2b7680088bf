import type { Transport } from "../../pkg/base/wire.ts";
import { runSimulatedNodes } from "../../pkg/sim/simulated-node.ts";
import { apiAccess } from "./api-access.ts";
import type { Doors } from "./doors.ts";

/**
 * Nodes that only pretend: pods that are bound to them run, and become ready, without a process.
 */
export async function runSimulating(
  count: number,
  as: (commonName: string, ...organizations: readonly string[]) => Transport,
  doors: Doors,
  signal: AbortSignal,
): Promise<void> {
  const shared = apiAccess(as("system:simulator", "system:masters"), "simulator", doors, signal);
  const clientOf = (name: string) =>
    apiAccess(as(`system:node:${name}`, "system:nodes"), "kubelet", doors, signal).client;
  await runSimulatedNodes({ ...shared, clientOf }, count, signal);
}
