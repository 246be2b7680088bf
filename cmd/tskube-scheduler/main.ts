/** tskube-scheduler: gives pods their nodes, against any Kubernetes API server. */
import { accessByKubeconfig } from "../wiring/api-access.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runLeading } from "../wiring/leading.ts";
import { runProgram } from "../wiring/run-program.ts";
import { runScheduling } from "../wiring/scheduling.ts";

const text = { name: "tskube-scheduler", about: "assigns pods to nodes" };
const flags = {
  kubeconfig: { kind: "text", help: "How to reach the API server (/etc/tskube/scheduler.conf)" },
  "leader-elect": { kind: "text", alone: "true", help: "false: do not wait to lead among several" },
  ...logFlags,
} as const;

await runProgram(text, flags, async ({ flags: given }, signal) => {
  const doors = systemDoors(text.name, given["log-level"]);
  const path = given.kubeconfig ?? "/etc/tskube/scheduler.conf";
  const access = await accessByKubeconfig(path, "default-scheduler", doors, signal);
  const election = { name: "kube-scheduler", elect: given["leader-elect"] !== "false" };
  await runLeading(access, election, (leading) => runScheduling(access, leading), signal);
});
