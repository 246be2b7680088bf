/** tskube-controller-manager: every built-in controller, against any Kubernetes API server. */
import { readFile } from "node:fs/promises";
import { durationMs } from "../../pkg/base/duration.ts";
import { UsageError, type Flags } from "../../pkg/base/flags.ts";
import { LeaderHealth } from "../../pkg/client/leader-health.ts";
import { controllerMetrics } from "../../pkg/controller/controller-metrics.ts";
import type { ControllerSettings } from "../../pkg/controllers/controllers.ts";
import { Metrics } from "../../pkg/telemetry/metrics.ts";
import { accountTransports } from "../wiring/account-tokens.ts";
import { accessByKubeconfig } from "../wiring/api-access.ts";
import { serveComponent, servingFlags } from "../wiring/component-serving.ts";
import { runControllers } from "../wiring/controlling.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runLeading } from "../wiring/leading.ts";
import { runProgram } from "../wiring/run-program.ts";

const text = { name: "tskube-controller-manager", about: "runs the built-in controllers" };
const flags = {
  kubeconfig: {
    kind: "text",
    help: "How to reach the API server (/etc/tskube/controller-manager.conf)",
  },
  "root-ca-file": {
    kind: "text",
    help: "What pods verify the API server with (/etc/tskube/pki/ca.crt)",
  },
  "cluster-signing-cert-file": {
    kind: "text",
    help: "With the key: the authority that signs approved requests (none: nothing is signed)",
  },
  "cluster-signing-key-file": { kind: "text", help: "Its key" },
  "cluster-signing-duration": { kind: "text", help: "How long what it signs is good (8760h0m0s)" },
  "allocate-node-cidrs": {
    kind: "text",
    alone: "true",
    help: "true: give each node a range of pod addresses (false)",
  },
  "cluster-cidr": { kind: "text", help: "Addresses of all pods (10.244.0.0/16)" },
  "node-cidr-mask-size": { kind: "number", help: "Size of a node's part of them (24)" },
  "node-monitor-grace-period": {
    kind: "text",
    help: "A node that is silent for so long is not ready (40s)",
  },
  "leader-elect": { kind: "text", alone: "true", help: "false: do not wait to lead among several" },
  ...servingFlags,
  ...logFlags,
} as const;

/** Both files, or none. */
async function signingOf(given: Flags<typeof flags>): Promise<Pick<ControllerSettings, "signing">> {
  const certificateFile = given["cluster-signing-cert-file"];
  const keyFile = given["cluster-signing-key-file"];
  const duration = given["cluster-signing-duration"];
  if (certificateFile === undefined && keyFile === undefined) return {};
  if (certificateFile === undefined || keyFile === undefined) {
    throw new UsageError("--cluster-signing-cert-file and --cluster-signing-key-file go together");
  }
  const certificate = await readFile(certificateFile, "utf8");
  const authority = { certificate, key: await readFile(keyFile, "utf8") };
  const life = duration === undefined ? {} : { lifeMsMax: durationMs(duration) };
  return { signing: { authority, ...life } };
}

const nodeRangesOf = (given: Flags<typeof flags>): Pick<ControllerSettings, "nodeRanges"> => {
  if (given["allocate-node-cidrs"] !== "true") return {};
  const nodeMaskBits = given["node-cidr-mask-size"] ?? 24;
  return { nodeRanges: { clusterCidr: given["cluster-cidr"] ?? "10.244.0.0/16", nodeMaskBits } };
};

const nodeLifecycleOf = (given: Flags<typeof flags>): Pick<ControllerSettings, "nodeLifecycle"> => {
  const period = given["node-monitor-grace-period"];
  return period === undefined ? {} : { nodeLifecycle: { monitorGraceMs: durationMs(period) } };
};

await runProgram(text, flags, async ({ flags: given }, signal) => {
  const doors = systemDoors(text.name, given["log-level"]);
  const path = given.kubeconfig ?? "/etc/tskube/controller-manager.conf";
  const rootCa = await readFile(given["root-ca-file"] ?? "/etc/tskube/pki/ca.crt", "utf8");
  const signing = await signingOf(given);
  const access = await accessByKubeconfig(path, "kube-controller-manager", doors, signal);
  const health = new LeaderHealth(doors.clock);
  const elect = given["leader-elect"] !== "false";
  const metrics = new Metrics();
  const ownMetrics = controllerMetrics(metrics);
  const lead = (leading: AbortSignal): Promise<void> =>
    runControllers(
      {
        access,
        asAccount: accountTransports(access, access.access, leading),
        metrics: ownMetrics,
        rootCa,
        ...signing,
        ...nodeRangesOf(given),
        ...nodeLifecycleOf(given),
      },
      leading,
    );
  const component = { name: text.name, defaultPort: 10_257, health, metrics };
  await Promise.all([
    serveComponent(component, given, access, signal),
    runLeading(access, { name: "kube-controller-manager", elect, health }, lead, signal),
  ]);
});
