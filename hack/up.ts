/**
 * hack/up's second half, when everything is installed and built: a one-node cluster, the nginx
 * example on it, and its page, fetched as a pod would.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runPhases, type Phase } from "../pkg/base/phases.ts";
import { chainOf } from "../pkg/base/errors.ts";
import { ensureImage } from "./ensure-image.ts";

const root = join(import.meta.dirname, "..");
const logFile = "/var/log/tskube/tskube.log";
const programs = ["tskube", "tskubectl"] as const;
const commands = "/usr/local/bin";
const installed = "/usr/local/lib/tskube";
const mark = "written by hack/up; hack/down removes it";
const startSecondsMax = 60;

interface Pod {
  readonly metadata: { readonly name: string };
  readonly status: { readonly podIP?: string };
}
interface List<T> {
  readonly items: readonly T[];
}
interface Facts {
  pods: readonly Pod[];
  clusterIp: string;
}

const tskubectl = (...args: string[]): string =>
  execFileSync(join(commands, "tskubectl"), args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
const read = <T>(...args: string[]): T => JSON.parse(tskubectl("get", ...args, "-o", "json")) as T;
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Out of the way of later builds: what runs must not change under a running cluster. */
function installPrograms(): void {
  execFileSync(process.execPath, [join(root, "hack/build.ts"), "--out", installed], {
    stdio: "ignore",
  });
  for (const name of programs) {
    const run = `exec "${process.execPath}" --disable-warning=ExperimentalWarning "${installed}/${name}.mjs" "$@"`;
    writeFileSync(join(commands, name), `#!/bin/sh\n# ${mark}\n${run}\n`, { mode: 0o755 });
  }
}

const apiAnswers = (): boolean =>
  spawnSync(join(commands, "tskubectl"), ["get", "nodes"], { stdio: "ignore" }).status === 0;

function startCluster(): void {
  if (apiAnswers()) return say("  it runs already");
  mkdirSync("/var/log/tskube", { recursive: true });
  const log = openSync(logFile, "a");
  const child = spawn(join(commands, "tskube"), ["up"], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  child.unref();
}

interface Node {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

async function waitForNode(): Promise<void> {
  const started = performance.now();
  for (;;) {
    let node: Node | undefined;
    try {
      [node] = read<List<Node>>("nodes").items;
    } catch {
      // The API server is not there yet.
    }
    const isReady = node?.status.conditions?.some(
      ({ type, status }) => type === "Ready" && status === "True",
    );
    if (node !== undefined && isReady === true) return say(`  node ${node.metadata.name} is Ready`);
    if (performance.now() - started > startSecondsMax * 1000) {
      const tail = readFileSync(logFile, "utf8").trimEnd().split("\n").slice(-15).join("\n");
      throw new Error(
        `the node was not Ready within ${startSecondsMax} s; the end of ${logFile}:\n${tail}`,
      );
    }
    await pause(100);
  }
}

function applyExample(): void {
  const manifest = join(root, "manifests/nginx.yaml");
  say(indent(tskubectl("apply", "-f", manifest)));
  say(indent(tskubectl("rollout", "status", "deployment/nginx")));
}

const indent = (text: string): string => text.trimEnd().replace(/^/gm, "  ");

function showPages(facts: Facts): void {
  facts.pods = read<List<Pod>>("pods", "-l", "app=nginx").items.filter(
    ({ status }) => status.podIP !== undefined,
  );
  facts.clusterIp = read<{ spec: { clusterIP: string } }>("service", "nginx").spec.clusterIP;
  const addresses = facts.pods.map(
    ({ metadata, status }) => [`pod ${metadata.name}`, status.podIP ?? ""] as const,
  );
  const client = facts.pods[0]?.metadata.name ?? "";
  for (const [what, address] of [...addresses, ["Service nginx", facts.clusterIp] as const]) {
    const page = tskubectl("exec", client, "--", "wget", "-q", "-O", "-", `http://${address}/`);
    const title = /<title>(.*)<\/title>/.exec(page)?.[1];
    if (title === undefined)
      throw new Error(`http://${address}/ (${what}) answered something else:\n${page}`);
    say(`  http://${address}/  ${what}: "${title}"`);
  }
}

const phases: readonly Phase<Facts>[] = [
  {
    name: "programs",
    because: `built into ${installed}, commands in ${commands}`,
    run: async () => installPrograms(),
  },
  { name: "image", because: "the example runs nginx", run: async () => ensureImage("nginx", say) },
  {
    name: "cluster",
    because: `one process; its log is ${logFile}`,
    run: async () => startCluster(),
  },
  { name: "node", because: "pods need a Ready node", run: waitForNode },
  {
    name: "example",
    because: "manifests/nginx.yaml: a Deployment of 2 and a Service",
    run: async () => applyExample(),
  },
  { name: "page", because: "asked for from inside a pod", run: async (facts) => showPages(facts) },
];

const facts: Facts = { pods: [], clusterIp: "" };
const started = performance.now();
try {
  await runPhases(
    phases.map((phase) => ({
      ...phase,
      run: (context: Facts) => {
        say(`${phase.name}: ${phase.because}`);
        return phase.run(context);
      },
    })),
    facts,
  );
  say(`\n${tskubectl("get", "pods,services", "-o", "wide")}`);
  say(`ready after ${((performance.now() - started) / 1000).toFixed(1)} s. Next, from any folder:\n
  tskubectl get pods -o wide                  # where everything runs
  tskubectl describe deployment nginx         # and what happened to it
  tskubectl logs deployment/nginx             # what nginx says
  tskubectl exec -it deployment/nginx -- sh   # inside a container; exit leaves it
  tskubectl scale deployment nginx --replicas=3
  tskubectl rollout restart deployment nginx  # one by one, without a failed request
  tskubectl exec deployment/nginx -- wget -q -O - http://nginx/   # the Service by its name
  ${join(root, "hack/down")}            # removes everything again`);
} catch (error) {
  process.stderr.write(`hack/up: ${chainOf(error)}\n`);
  process.exitCode = 1;
}
