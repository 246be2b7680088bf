/** tskube-dns: the cluster's names, and everybody else's through the machine's name servers. */
import { readFile } from "node:fs/promises";
import type { Handler } from "../../pkg/base/wire.ts";
import { inClusterContext } from "../../pkg/client/in-cluster.ts";
import { httpsTransport } from "../../pkg/client/https-transport.ts";
import { runDnsServer } from "../../pkg/dns/dns-server.ts";
import { createForwarder, parseNameServers } from "../../pkg/dns/forwarder.ts";
import { startServer } from "../../pkg/serving/server.ts";
import { accessByKubeconfig, apiAccess, type ApiAccess } from "../wiring/api-access.ts";
import { logFlags, systemDoors, type Doors } from "../wiring/doors.ts";
import { runProgram } from "../wiring/run-program.ts";

const text = { name: "tskube-dns", about: "answers the cluster's names" };
const flags = {
  kubeconfig: { kind: "text", help: "How to reach the API server (as the pod it runs in)" },
  zone: { kind: "text", help: "Of the cluster's names (cluster.local)" },
  address: { kind: "list", help: "Where it answers (0.0.0.0)" },
  port: { kind: "number", help: "Its port (53)" },
  forward: { kind: "list", help: "Name servers for other names (those of /etc/resolv.conf)" },
  "health-port": { kind: "number", help: "Serves /live and /ready over HTTP (none)" },
  ...logFlags,
} as const;

async function openAccess(
  kubeconfig: string | undefined,
  doors: Doors,
  signal: AbortSignal,
): Promise<ApiAccess> {
  if (kubeconfig !== undefined) return accessByKubeconfig(kubeconfig, text.name, doors, signal);
  const own = await inClusterContext(process.env, doors.clock);
  if (own === undefined) throw new Error("this is no pod: say --kubeconfig");
  const transport = httpsTransport(own.access, doors.clock);
  signal.addEventListener("abort", () => transport.close(), { once: true });
  return apiAccess(transport.send, text.name, doors, signal);
}

const machineServers = async (): Promise<readonly string[]> =>
  parseNameServers(await readFile("/etc/resolv.conf", "utf8").catch(() => ""));

const health =
  (isReady: () => boolean): Handler =>
  ({ path }) => {
    const isGood = path === "/live" || (path === "/ready" && isReady());
    const body = new TextEncoder().encode(isGood ? "ok\n" : "not ready\n");
    return Promise.resolve({
      status: isGood ? 200 : 503,
      headers: { "content-type": "text/plain" },
      body,
    });
  };

await runProgram(text, flags, async ({ flags: given }, signal) => {
  const doors = systemDoors(text.name, given["log-level"]);
  const access = await openAccess(given.kubeconfig, doors, signal);
  const servers = given.forward.length === 0 ? await machineServers() : given.forward;
  using forwarder = createForwarder({ ...doors, servers });
  let isReady = false;
  const healthPort = given["health-port"];
  const server =
    healthPort === undefined
      ? undefined
      : await startServer({
          address: "0.0.0.0",
          port: healthPort,
          handler: health(() => isReady),
          bodyBytesMax: 1024,
        });
  await runDnsServer(
    {
      ...access,
      forwarder,
      zone: given.zone ?? "cluster.local",
      addresses: given.address.length === 0 ? ["0.0.0.0"] : given.address,
      port: given.port ?? 53,
      onReady: () => (isReady = true),
    },
    signal,
  );
  await server?.close();
});
