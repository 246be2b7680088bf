/** tskube-proxy: keeps this node's nftables table equal to what Services say. */
import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { nodes } from "../../api/resources.ts";
import { openNftables } from "../../pkg/linux/nftables.ts";
import {
  defaultProxySettings,
  parseProxyConfiguration,
  type ProxySettings,
} from "../../pkg/kubeadm/proxy-settings.ts";
import { ProxyHealth, proxyMetrics } from "../../pkg/proxy/proxy-health.ts";
import { proxyMetricsHandler } from "../../pkg/proxy/proxy-metrics-handler.ts";
import { removeServiceTable } from "../../pkg/proxy/service-proxy.ts";
import { startServer } from "../../pkg/serving/server.ts";
import { Metrics } from "../../pkg/telemetry/metrics.ts";
import { accessByKubeconfig } from "../wiring/api-access.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runProxying } from "../wiring/proxying.ts";
import { runProgram } from "../wiring/run-program.ts";

const text = { name: "tskube-proxy", about: "makes Services work on this node" };
const flags = {
  config: { kind: "text", help: "KubeProxyConfiguration: a file that says what follows" },
  kubeconfig: { kind: "text", help: "How to reach the API server (/etc/tskube/proxy.conf)" },
  "hostname-override": { kind: "text", help: "Name of this node (the host's name)" },
  cleanup: { kind: "bool", help: "Take the service table out of the kernel, and end" },
  ...logFlags,
} as const;

/** Questions about health and metrics have no body. */
const bodyBytesMax = 1024;

const settingsOf = async (file: string | undefined): Promise<ProxySettings> =>
  file === undefined
    ? defaultProxySettings
    : parseProxyConfiguration(await readFile(file, "utf8"), file);

await runProgram(text, flags, async ({ flags: given }, signal) => {
  if (given.cleanup) return removeServiceTable(openNftables());
  const doors = systemDoors(text.name, given["log-level"]);
  const settings = await settingsOf(given.config);
  const path = settings.kubeconfig ?? given.kubeconfig ?? "/etc/tskube/proxy.conf";
  const nodeName = given["hostname-override"] ?? settings.hostnameOverride ?? hostname();
  const access = await accessByKubeconfig(path, "kube-proxy", doors, signal);
  const own = access.informers.informer(nodes, { fieldSelector: `metadata.name=${nodeName}` });
  const health = new ProxyHealth(doors.clock, () => own.get(nodeName));
  const metrics = new Metrics();
  const servers = [
    await startServer({ ...settings.health, handler: health.handler, bodyBytesMax }),
    await startServer({ ...settings.metrics, handler: proxyMetricsHandler(metrics), bodyBytesMax }),
  ];
  await runProxying(access, nodeName, signal, { health, metrics: proxyMetrics(metrics) });
  for (const server of servers) await server.close();
});
