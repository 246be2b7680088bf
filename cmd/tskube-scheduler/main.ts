/** tskube-scheduler: gives pods their nodes, against any Kubernetes API server. */
import { LeaderHealth } from "../../pkg/client/leader-health.ts";
import { Metrics } from "../../pkg/telemetry/metrics.ts";
import { accessByKubeconfig } from "../wiring/api-access.ts";
import { serveComponent, servingFlags } from "../wiring/component-serving.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runLeading } from "../wiring/leading.ts";
import { runProgram } from "../wiring/run-program.ts";
import { runScheduling } from "../wiring/scheduling.ts";

const text = { name: "tskube-scheduler", about: "assigns pods to nodes" };
const flags = {
  kubeconfig: { kind: "text", help: "How to reach the API server (/etc/tskube/scheduler.conf)" },
  "leader-elect": { kind: "text", alone: "true", help: "false: do not wait to lead among several" },
  ...servingFlags,
  ...logFlags,
} as const;

await runProgram(text, flags, async ({ flags: given }, signal) => {
  const doors = systemDoors(text.name, given["log-level"]);
  const path = given.kubeconfig ?? "/etc/tskube/scheduler.conf";
  const access = await accessByKubeconfig(path, "default-scheduler", doors, signal);
  const health = new LeaderHealth(doors.clock);
  const election = { name: "kube-scheduler", elect: given["leader-elect"] !== "false", health };
  const component = { name: text.name, defaultPort: 10_259, health, metrics: new Metrics() };
  await Promise.all([
    serveComponent(component, given, access, signal),
    runLeading(access, election, (leading) => runScheduling(access, leading), signal),
  ]);
});
