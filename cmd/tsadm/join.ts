import { UsageError, type Flags } from "../../pkg/base/flags.ts";
import { imagesIn, localRepository, specDefaults } from "../../pkg/kubeadm/cluster-spec.ts";
import { joinFileOf, type JoinFile } from "../../pkg/kubeadm/configuration.ts";
import { checkHashForm } from "../../pkg/kubeadm/discovery.ts";
import { parseEndpoint } from "../../pkg/kubeadm/endpoint.ts";
import { describeSource, imageSource } from "../../pkg/kubeadm/image-source.ts";
import { forgetJoin, joinPhases } from "../../pkg/kubeadm/join-phases.ts";
import type { Discovery, JoinContext, JoinSpec } from "../../pkg/kubeadm/join-spec.ts";
import { parseToken } from "../../pkg/kubeadm/join-token.ts";
import { runSetup, selectPhases } from "../../pkg/kubeadm/setup-phase.ts";
import { defaultNodeAddress, defaultNodeName } from "../wiring/cluster-settings.ts";
import { logFlags, systemDoors } from "../wiring/doors.ts";
import { splitList } from "../wiring/run-commands.ts";
import { runProgram } from "../wiring/run-program.ts";
import { readConfigFileWarning } from "./config-file.ts";
import { imagesFlag, provide, workerParts } from "./images.ts";
import { machineFacts, nodeLog } from "./machine.ts";
import { startNode } from "./node-process.ts";

const text = {
  name: "tsadm join",
  about:
    "lets this machine join a cluster: tsadm join HOST:PORT --token … ; join phase NAME runs one phase of it",
};
const flags = {
  config: { kind: "text", help: "File with a JoinConfiguration (v1beta4)" },
  token: {
    kind: "text",
    help: "The bootstrap token, for discovery and for the certificate's request",
  },
  "discovery-token": { kind: "text", help: "For discovery alone" },
  "tls-bootstrap-token": { kind: "text", help: "For the certificate's request alone" },
  "discovery-file": {
    kind: "text",
    help: "Instead of a token: a kubeconfig with the cluster, or its https:// address",
  },
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
  ...imagesFlag,
  "skip-phases": { kind: "list", help: "Phases that are left out" },
  "ignore-preflight-errors": { kind: "list", help: "Checks that only warn, or all" },
  "dry-run": { kind: "bool", help: "Say what would be done, and do nothing" },
  ...logFlags,
} as const;
type JoinFlags = Flags<typeof flags>;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function discoveryOf(given: JoinFlags, file: JoinFile, place: string | undefined): Discovery {
  const at = given["discovery-file"] ?? file.discoveryFile;
  const discoveryToken = given["discovery-token"] ?? given.token ?? file.token;
  if (at !== undefined) {
    if (given["discovery-token"] !== undefined) {
      throw new UsageError("say either --discovery-file or --discovery-token");
    }
    return { by: "file", place: at };
  }
  const endpoint = place ?? file.apiServerEndpoint;
  if (endpoint === undefined) throw new UsageError("say where the cluster is: HOST:PORT");
  const address = parseEndpoint(endpoint, specDefaults.bindPort);
  if (address === undefined) {
    throw new UsageError(`${JSON.stringify(endpoint)} is no place of a cluster: say HOST:PORT`);
  }
  if (discoveryToken === undefined) throw new UsageError("--token is required");
  const hashes = splitList(given["discovery-token-ca-cert-hash"]);
  const caCertHashes = hashes.length === 0 ? (file.caCertHashes ?? []) : hashes;
  const isUnsafe =
    given["discovery-token-unsafe-skip-ca-verification"] || file.unsafeSkipCAVerification === true;
  if (caCertHashes.length === 0 && !isUnsafe) {
    throw new UsageError(
      "--discovery-token-ca-cert-hash is required: it is in what tsadm init printed",
    );
  }
  checkHashForm(caCertHashes);
  return {
    by: "token",
    endpoint: address,
    trust: { token: parseToken(discoveryToken), caCertHashes },
  };
}

function specOf(given: JoinFlags, file: JoinFile, place: string | undefined): JoinSpec {
  const bearer =
    given["tls-bootstrap-token"] ?? given.token ?? file.tlsBootstrapToken ?? file.token;
  if (bearer !== undefined) parseToken(bearer);
  return {
    configFolder: specDefaults.configFolder,
    dataFolder: specDefaults.dataFolder,
    runFolder: specDefaults.runFolder,
    nodeName: given["node-name"] ?? file.nodeName ?? defaultNodeName(),
    nodeAddress: given["node-ip"] ?? file.kubeletArguments?.nodeAddress ?? defaultNodeAddress(),
    discovery: discoveryOf(given, file, place),
    ...(bearer === undefined ? {} : { bearer }),
    ...(file.taints === undefined ? {} : { taints: file.taints }),
    ...(file.timeouts === undefined ? {} : { timeouts: file.timeouts }),
  };
}

const redirectsMax = 5;

/** Each step of the way must be one that can be believed, so redirects are followed one by one. */
async function fetchText(start: string, signal: AbortSignal): Promise<string> {
  let url = start;
  for (let redirects = 0; redirects <= redirectsMax; redirects++) {
    if (!url.startsWith("https://")) throw new Error(`${url}: only https:// can be believed`);
    const answer = await fetch(url, { signal, redirect: "manual" });
    if (answer.ok) return await answer.text();
    const next = answer.headers.get("location");
    await answer.body?.cancel();
    if (next === null || answer.status < 300 || answer.status >= 400) {
      throw new Error(`${url} answers ${answer.status}`);
    }
    url = new URL(next, url).href;
  }
  throw new Error(`${start} leads on and on: more than ${redirectsMax} redirects`);
}

async function runJoin(
  given: JoinFlags,
  place: string | undefined,
  only: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const doors = systemDoors("tsadm", given["log-level"] ?? "warn");
  const { config = "" } = given;
  const file = joinFileOf(await readConfigFileWarning(given.config), config);
  const spec = specOf(given, file, place);
  const sourceIn = (repository: string) => imageSource(given.images, repository);
  const planned = sourceIn(localRepository);
  let isStarted = false;
  const context: JoinContext = {
    ...doors,
    spec,
    learned: { made: [] },
    say,
    signal,
    nodeLog,
    fetchText,
    ignoredChecks: [...splitList(given["ignore-preflight-errors"]), ...(file.ignoredChecks ?? [])],
    facts: () => machineFacts(spec),
    plannedImages: () => describeSource(planned, specDefaults.images, workerParts),
    provideImages: (repository) =>
      provide(
        {
          source: sourceIn(repository),
          images: imagesIn(repository),
          parts: workerParts,
          dataFolder: spec.dataFolder,
        },
        doors,
        signal,
      ),
    startNode: async (cluster) => {
      isStarted = true;
      const { labels = {} } = file.kubeletArguments ?? {};
      await startNode({ ...spec, ...cluster, labels, log: nodeLog });
    },
  };
  const skipped = [...splitList(given["skip-phases"]), ...(file.skipPhases ?? [])];
  const onlyTells = given["dry-run"] || file.dryRun === true;
  const chosen = selectPhases(joinPhases, { skipped, ...(only === undefined ? {} : { only }) });
  try {
    await runSetup(chosen, context, onlyTells);
  } catch (error) {
    // A node's process that runs has them in use: what it leaves is removed by reset.
    if (!isStarted) await forgetJoin(context.learned);
    throw error;
  }
  if (only !== undefined || onlyTells) return;
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
    ({ flags: parsed, args: [place, more] }, signal) => {
      if (more !== undefined) throw new UsageError(`unexpected argument ${more}`);
      return runJoin(parsed, place, isPhase ? name : undefined, signal);
    },
    isPhase ? rest : given,
  );
}
