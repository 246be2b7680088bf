import type { Machine } from "../node/machine.ts";
import type { ProbeNetwork, ReachOutcome } from "../probes/probe-network.ts";

/** A machine of 4 CPUs and 8 GiB with room for everything. */
export const fakeMachine = (hostname: string, address = "192.168.0.10"): Machine => ({
  hostname,
  addresses: [address],
  cpuMillis: 4000,
  memoryBytes: 8 * 2 ** 30,
  swapBytes: 0,
  diskBytes: 100 * 2 ** 30,
  info: {
    machineID: hostname,
    systemUUID: hostname,
    bootID: "boot",
    kernelVersion: "6.0.0",
    osImage: "Simulated",
    operatingSystem: "linux",
    architecture: "amd64",
  },
  read: () =>
    Promise.resolve({
      memoryAvailableBytes: 6 * 2 ** 30,
      diskAvailableBytes: 80 * 2 ** 30,
      inodesFreeShare: 0.9,
      processes: 100,
      processesMax: 32_768,
    }),
});

/** Every probe that does not run in a container gets this answer. */
export function fakeNetwork(
  answer: () => ReachOutcome = () => ({ got: "answer", status: 200, body: "" }),
): ProbeNetwork {
  const reply = (): Promise<ReachOutcome> => Promise.resolve(answer());
  return { http: reply, tcp: reply, grpc: () => Promise.resolve({ ...answer(), status: 1 }) };
}
