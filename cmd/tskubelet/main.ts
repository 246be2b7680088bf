/** tskubelet: the node's agent, against any Kubernetes API server and any CRI runtime. */
import { readFile } from "node:fs/promises";
import { connectCri } from "../../pkg/kubelet/runtime/cri-client.ts";
import { startServer } from "../../pkg/serving/server.ts";
import type { RunningServer, ServerTls } from "../../pkg/serving/server-contract.ts";
import type { Kubelet } from "../../pkg/kubelet/kubelet.ts";
import { accessByKubeconfig } from "../wiring/api-access.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { kubeletDefaults, openKubelet } from "../wiring/kubelet-node.ts";
import { runProgram } from "../wiring/run-program.ts";

const text = { name: "tskubelet", about: "runs this machine's pods" };
const socketDefault = "/run/tskube/cri.sock";
/** Bodies of exec, attach and the like: commands, never files. */
const bodyBytesMax = 1024 * 1024;
const flags = {
  kubeconfig: { kind: "text", help: "How to reach the API server (/etc/tskube/kubelet.conf)" },
  standalone: { kind: "bool", help: "Without an API server: run the manifests only" },
  "node-name": { kind: "text", help: "Name of this node (the machine's)" },
  "node-ip": { kind: "list", help: "Address of this node (those of its interfaces)" },
  cri: { kind: "text", help: `Socket of the container runtime (${socketDefault})` },
  manifests: { kind: "text", help: `Folder of static pods (${kubeletDefaults.manifestFolder})` },
  root: { kind: "text", help: `Pods' files are below (${kubeletDefaults.dataFolder})` },
  "pod-logs": { kind: "text", help: `Containers' logs (${kubeletDefaults.podLogsPath})` },
  "cluster-dns": { kind: "list", help: "Address of the cluster's DNS server" },
  "cluster-domain": {
    kind: "text",
    help: `Of the cluster's names (${kubeletDefaults.clusterDomain})`,
  },
  "cgroup-root": { kind: "text", help: "Pods' cgroups are below it (the top: /kubepods)" },
  "max-pods": { kind: "number", help: `Pods that this node takes (${kubeletDefaults.podsMax})` },
  address: { kind: "text", help: "Where the kubelet's own API listens (0.0.0.0)" },
  port: { kind: "number", help: `Its port (${kubeletDefaults.port})` },
  "tls-cert-file": { kind: "text", help: "Its certificate, PEM (without one it is not served)" },
  "tls-private-key-file": { kind: "text", help: "The certificate's key, PEM" },
  "client-ca-file": { kind: "text", help: "Authority of its clients' certificates, PEM" },
  ...logFlags,
} as const;

await runProgram(text, flags, async ({ flags: given }, signal) => {
  const doors = systemDoors(text.name, given["log-level"]);
  const runtime = connectCri(given.cri ?? socketDefault);
  const kubeconfig = given.kubeconfig ?? "/etc/tskube/kubelet.conf";
  const access = given.standalone
    ? undefined
    : await accessByKubeconfig(kubeconfig, "kubelet", doors, signal);
  const port = given.port ?? kubeletDefaults.port;
  const kubelet = await openKubelet(
    {
      ...(given["node-name"] === undefined ? {} : { nodeName: given["node-name"] }),
      ...(given["node-ip"].length === 0 ? {} : { nodeIPs: given["node-ip"] }),
      dataFolder: given.root ?? kubeletDefaults.dataFolder,
      manifestFolder: given.manifests ?? kubeletDefaults.manifestFolder,
      podLogsPath: given["pod-logs"] ?? kubeletDefaults.podLogsPath,
      clusterDns: given["cluster-dns"],
      clusterDomain: given["cluster-domain"] ?? kubeletDefaults.clusterDomain,
      ...(given["cgroup-root"] === undefined ? {} : { cgroupRoot: given["cgroup-root"] }),
      podsMax: given["max-pods"] ?? kubeletDefaults.podsMax,
      port,
    },
    runtime.cri,
    access?.client,
    doors,
  );
  const tls = await readTls(given);
  const server =
    tls === undefined ? undefined : await serve(kubelet, tls, given.address ?? "0.0.0.0", port);
  await kubelet.run(signal);
  await server?.close();
  runtime.close();
});

async function readTls(given: {
  readonly "tls-cert-file": string | undefined;
  readonly "tls-private-key-file": string | undefined;
  readonly "client-ca-file": string | undefined;
}): Promise<ServerTls | undefined> {
  const [certificate, key, authorities] = await Promise.all([
    readIfGiven(given["tls-cert-file"]),
    readIfGiven(given["tls-private-key-file"]),
    readIfGiven(given["client-ca-file"]),
  ]);
  if (certificate === undefined || key === undefined) return undefined;
  return authorities === undefined
    ? { certificate, key }
    : { certificate, key, clientAuthorities: authorities };
}

async function readIfGiven(path: string | undefined): Promise<string | undefined> {
  return path === undefined ? undefined : readFile(path, "utf8");
}

function serve(
  { handler, upgrade }: Kubelet,
  tls: ServerTls,
  address: string,
  port: number,
): Promise<RunningServer> {
  return startServer({ tls, address, port, handler, upgrade, bodyBytesMax });
}
