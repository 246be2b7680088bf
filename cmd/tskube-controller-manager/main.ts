/** tskube-controller-manager: every built-in controller, against any Kubernetes API server. */
import { readFile } from "node:fs/promises";
import { UsageError, type Flags } from "../../pkg/base/flags.ts";
import type { ControllerSettings } from "../../pkg/controllers/controllers.ts";
import { accountTransports } from "../wiring/account-tokens.ts";
import { accessByKubeconfig } from "../wiring/api-access.ts";
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
  "allocate-node-cidrs": {
    kind: "text",
    alone: "true",
    help: "true: give each node a range of pod addresses (false)",
  },
  "cluster-cidr": { kind: "text", help: "Addresses of all pods (10.244.0.0/16)" },
  "node-cidr-mask-size": { kind: "number", help: "Size of a node's part of them (24)" },
  "leader-elect": { kind: "text", alone: "true", help: "false: do not wait to lead among several" },
  ...logFlags,
} as const;

/** Both files, or none. */
async function signingOf(
  certificateFile: string | undefined,
  keyFile: string | undefined,
): Promise<Pick<ControllerSettings, "signing">> {
  if (certificateFile === undefined && keyFile === undefined) return {};
  if (certificateFile === undefined || keyFile === undefined) {
    throw new UsageError("--cluster-signing-cert-file and --cluster-signing-key-file go together");
  }
  const certificate = await readFile(certificateFile, "utf8");
  return { signing: { authority: { certificate, key: await readFile(keyFile, "utf8") } } };
}

const nodeRangesOf = (given: Flags<typeof flags>): Pick<ControllerSettings, "nodeRanges"> => {
  if (given["allocate-node-cidrs"] !== "true") return {};
  const nodeMaskBits = given["node-cidr-mask-size"] ?? 24;
  return { nodeRanges: { clusterCidr: given["cluster-cidr"] ?? "10.244.0.0/16", nodeMaskBits } };
};

await runProgram(text, flags, async ({ flags: given }, signal) => {
  const doors = systemDoors(text.name, given["log-level"]);
  const path = given.kubeconfig ?? "/etc/tskube/controller-manager.conf";
  const rootCa = await readFile(given["root-ca-file"] ?? "/etc/tskube/pki/ca.crt", "utf8");
  const signing = await signingOf(
    given["cluster-signing-cert-file"],
    given["cluster-signing-key-file"],
  );
  const access = await accessByKubeconfig(path, "kube-controller-manager", doors, signal);
  const election = { name: "kube-controller-manager", elect: given["leader-elect"] !== "false" };
  await runLeading(
    access,
    election,
    (leading) => {
      const asAccount = accountTransports(access, access.access, leading);
      return runControllers(
        { access, asAccount, rootCa, ...signing, ...nodeRangesOf(given) },
        leading,
      );
    },
    signal,
  );
});
