/** tskube-proxy: keeps this node's nftables table equal to what Services say. */
import { hostname } from "node:os";
import { removeServiceTable } from "../../pkg/proxy/service-proxy.ts";
import { openNftables } from "../../pkg/linux/nftables.ts";
import { accessByKubeconfig } from "../wiring/api-access.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runProxying } from "../wiring/proxying.ts";
import { runProgram } from "../wiring/run-program.ts";

const text = { name: "tskube-proxy", about: "makes Services work on this node" };
const flags = {
  kubeconfig: { kind: "text", help: "How to reach the API server (/etc/tskube/proxy.conf)" },
  "hostname-override": { kind: "text", help: "Name of this node (the host's name)" },
  cleanup: { kind: "bool", help: "Take the service table out of the kernel, and end" },
  ...logFlags,
} as const;

await runProgram(text, flags, async ({ flags: given }, signal) => {
  if (given.cleanup) return removeServiceTable(openNftables());
  const doors = systemDoors(text.name, given["log-level"]);
  const path = given.kubeconfig ?? "/etc/tskube/proxy.conf";
  const access = await accessByKubeconfig(path, "kube-proxy", doors, signal);
  await runProxying(access, given["hostname-override"] ?? hostname(), signal);
});
