import { readFile } from "node:fs/promises";
import { UsageError, type Flags } from "../../pkg/base/flags.ts";
import { parseToken } from "../../pkg/kubeadm/join-token.ts";
import { specDefaults } from "../../pkg/kubeadm/cluster-spec.ts";
import { parseJoinFile, type JoinFile } from "../../pkg/kubeadm/configuration.ts";
import { checkHashForm } from "../../pkg/kubeadm/discovery.ts";
import {
  forgetJoin,
  joinPhases,
  type JoinContext,
  type JoinSpec,
} from "../../pkg/kubeadm/join-phases.ts";
import { runSetup, selectPhases } from "../../pkg/kubeadm/setup-phase.ts";
import { defaultNodeAddress, defaultNodeName } from "../wiring/cluster-settings.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { runProgram } from "../wiring/run-program.ts";
import { machineFacts, nodeLog, provideImages } from "./machine.ts";
import { startNode } from "./node-process.ts";

const text = {
  name: "tsadm join",
  about:
    "lets this machine join a cluster: tsadm join HOST:PORT --token … ; join phase NAME runs one phase of it",
};
const flags = {
  config: { kind: "text", help: "File with a JoinConfiguration (v1beta4)" },
  token: { kind: "text", help: "The bootstrap token" },
  "discovery-token-ca-cert-hash": {
    kind: "list",
    help: "sha256:… of the cluster's authority; several: one of them",
  },
  "discovery-token-unsafe-skip-ca-verification": {
    kind: "bool",
    help: "Believe whoever knows the token",
  },
  "node-name": { kind: "text", help: "Name of this node (the host's name)" },
  "node-ip": { kind: "text", help: "Its address for others (the first that is not loopback)" },
  "skip-phases": { kind: "list", help: "Phases that are left out" },
  "ignore-preflight-errors": { kind: "list", help: "Checks that only warn, or all" },
  "dry-run": { kind: "bool", help: "Say what would be done, and do nothing" },
  ...logFlags,
} as const;
type JoinFlags = Flags<typeof flags>;

const words = (list: readonly string[]): readonly string[] =>
  list.flatMap((value) => value.split(",")).filter((value) => value !== "");
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const readConfig = async (file: string | undefined): Promise<JoinFile> =>
  file === undefined ? {} : parseJoinFile(await readFile(file, "utf8"), file);

function specOf(given: JoinFlags, file: JoinFile, place: string | undefined): JoinSpec {
  const endpoint = place ?? file.apiServerEndpoint;
  const bearer = given.token ?? file.token;
  if (endpoint === undefined) throw new UsageError("say where the cluster is: HOST:PORT");
  if (bearer === undefined) throw new UsageError("--token is required");
  const given_ = words(given["discovery-token-ca-cert-hash"]);
  const caCertHashes = given_.length === 0 ? (file.caCertHashes ?? []) : given_;
  const isUnsafe =
    given["discovery-token-unsafe-skip-ca-verification"] || file.unsafeSkipCAVerification === true;
  if (caCertHashes.length === 0 && !isUnsafe) {
    throw new UsageError(
      "--discovery-token-ca-cert-hash is required: it is in what tsadm init printed",
    );
  }
  checkHashForm(caCertHashes);
  return {
    configFolder: specDefaults.configFolder,
    dataFolder: specDefaults.dataFolder,
    runFolder: specDefaults.runFolder,
    nodeName: given["node-name"] ?? file.nodeName ?? defaultNodeName(),
    nodeAddress: given["node-ip"] ?? defaultNodeAddress(),
    endpoint: /:\d+$/.test(endpoint) ? endpoint : `${endpoint}:${specDefaults.bindPort}`,
    bearer,
    trust: { token: parseToken(bearer), caCertHashes },
  };
}

async function runJoin(
  given: JoinFlags,
  place: string | undefined,
  only: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const doors = systemDoors("tsadm", given["log-level"] ?? "warn");
  const spec = specOf(given, await readConfig(given.config), place);
  let isStarted = false;
  const context: JoinContext = {
    ...doors,
    spec,
    learned: {},
    say,
    signal,
    nodeLog,
    ignoredChecks: words(given["ignore-preflight-errors"]),
    facts: () => machineFacts(spec),
    provideImages: () =>
      provideImages({ dataFolder: spec.dataFolder, tskube: specDefaults.images.tskube }, doors),
    startNode: async (subnets) => {
      isStarted = true;
      startNode({ ...spec, ...subnets, log: nodeLog });
    },
  };
  const skipped = words(given["skip-phases"]);
  const chosen = selectPhases(joinPhases, { skipped, ...(only === undefined ? {} : { only }) });
  try {
    await runSetup(chosen, context, given["dry-run"]);
  } catch (error) {
    const wasClean = chosen.some(({ name }) => name === "preflight");
    const isRefused = error instanceof Error && error.message.startsWith("phase preflight ");
    // What was there before is not ours to remove.
    if (!isStarted && wasClean && !isRefused && !given["dry-run"]) await forgetJoin(spec);
    throw error;
  }
  if (only !== undefined || given["dry-run"]) return;
  say("\nThis machine has joined the cluster. On the control plane: tskubectl get nodes");
}

export async function join(given: readonly string[]): Promise<void> {
  const [first, name, ...rest] = given;
  const isPhase = first === "phase";
  if (isPhase && (name === undefined || name.startsWith("-"))) {
    const lines = joinPhases.map((phase) => `  ${phase.name.padEnd(20)} ${phase.because}`);
    return say(["tsadm join phase NAME", "", "Phases:", ...lines].join("\n"));
  }
  await runProgram(
    text,
    flags,
    ({ flags: parsed, args: [place] }, signal) =>
      runJoin(parsed, place, isPhase ? name : undefined, signal),
    isPhase ? rest : given,
  );
}
