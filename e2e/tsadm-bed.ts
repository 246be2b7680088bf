/**
 * Machines of a test's own, and tsadm, kubectl and curl on them as a person would use them. The
 * programs are built as users get them.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  makeMachines,
  outsideWords,
  removeMachines,
  removeOrphanedMachines,
  tryIn,
  type Machine,
  type Machines,
} from "./machines.ts";
import { eventually, root, upstreamProgram, type Outcome } from "./test-bed.ts";

const isThere = (program: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" }).status === 0;

/**
 * Why machines cannot be made here; undefined: they can. Printed by the tests that skip. `more`:
 * programs that a test needs beside those of all.
 */
export function whyNoMachines(...more: readonly string[]): string | undefined {
  if (process.getuid?.() !== 0) return "machines need root";
  const programs = ["unshare", "nsenter", "ip", "nft", "etcd", "curl", ...more];
  const missing = programs.filter((name) => !isThere(name));
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

/** The image that tsadm makes on each machine: Node and all our programs, no shell. */
export const programImage = "localhost/tskube:v1.37.0";
const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
const commandMs = 120_000;
const adminConfig = "/etc/tskube/admin.conf";
/** Sets of runs that were killed are told by it. */
const setPrefix = "e2e-";

export interface ListedObject {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export const isReady = ({ status }: ListedObject): boolean =>
  status?.conditions?.some((one) => one.type === "Ready" && one.status === "True") === true;

/** What went wrong, as text, for conditions that are asked again. */
export const tryOr = (ask: () => string): string => {
  try {
    return ask();
  } catch (error) {
    return String(error);
  }
};

export class TsadmBed implements AsyncDisposable {
  readonly set: Machines;
  readonly #dist: string;
  /** What `tsadm init` printed for the others: join HOST:PORT --token … */
  joinWords: readonly string[] = [];

  private constructor(set: Machines, dist: string) {
    this.set = set;
    this.#dist = dist;
  }

  /** @param title distinguishes the beds of one run. */
  static async make(
    title: string,
    count: number,
    ...options: Parameters<typeof makeMachines> extends [string, number, ...infer Rest]
      ? Rest
      : never
  ): Promise<TsadmBed> {
    const dist = mkdtempSync(join(tmpdir(), "tskube-tsadm-"));
    execFileSync(process.execPath, [join(root, "hack/build.ts"), "--out", dist], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    await removeOrphanedMachines(setPrefix);
    const set = await makeMachines(`${setPrefix}${title}-${process.pid}`, count, ...options);
    return new TsadmBed(set, dist);
  }

  /** Counted from 1, as they are called. */
  machine(number: number): Machine {
    const found = this.set.machines[number - 1];
    if (found === undefined) throw new Error(`there is no machine ${number}`);
    return found;
  }

  /** Runs to the end, whatever its exit code. */
  on(number: number, words: readonly string[], timeoutMs = commandMs): Outcome {
    const { status, stdout, stderr } = tryIn(this.machine(number), words, timeoutMs);
    return { code: status ?? -1, out: stdout, err: stderr };
  }

  /** Runs to a good end and answers what it printed; throws with its output otherwise. */
  run(number: number, ...words: readonly string[]): string {
    const { code, out, err } = this.on(number, words);
    if (code !== 0) throw new Error(`${words.join(" ")} ended with ${code}:\n${out}${err}`);
    return out;
  }

  /** Words that start a program of ours: tskube, tsadm, tskubectl. */
  programWords(name: string): readonly string[] {
    return [...node, join(this.#dist, `${name}.mjs`)];
  }

  /** A program of ours on a machine, to its end. */
  program(number: number, name: string, ...words: readonly string[]): Outcome {
    return this.on(number, [...this.programWords(name), ...words]);
  }

  tsadm(number: number, ...words: readonly string[]): Outcome {
    return this.program(number, "tsadm", ...words);
  }

  /** `tsadm init` on the first machine to a good end; answers what it said. */
  init(...flags: readonly string[]): string {
    const { code, out, err } = this.tsadm(1, "init", ...flags);
    if (code !== 0 || err !== "") throw new Error(`tsadm init ended with ${code}: ${err}\n${out}`);
    const line = out.split("\n").find((one) => one.startsWith("tsadm join ")) ?? "";
    this.joinWords = line.split(" ").slice(1);
    return out;
  }

  /** `tsadm join` with what init printed, to a good end. */
  join(number: number, ...flags: readonly string[]): string {
    const { code, out, err } = this.tsadm(number, ...this.joinWords, ...flags);
    if (code !== 0 || err !== "") throw new Error(`tsadm join ended with ${code}: ${err}\n${out}`);
    return out;
  }

  /** Upstream's kubectl where it is there, else ours, as words that run it on a machine. */
  kubectlWords(words: readonly string[], kubeconfig = adminConfig): readonly string[] {
    const upstream = upstreamProgram("kubectl");
    const program =
      upstream === undefined ? [...node, join(this.#dist, "tskubectl.mjs")] : [upstream];
    return ["env", `KUBECONFIG=${kubeconfig}`, ...program, ...words];
  }

  tryKubectl(number: number, kubeconfig: string, ...words: readonly string[]): Outcome {
    return this.on(number, this.kubectlWords(words, kubeconfig));
  }

  /** On the first machine as its administrator, to a good end. */
  kubectl(...words: readonly string[]): string {
    const { code, out, err } = this.tryKubectl(1, adminConfig, ...words);
    if (code !== 0) throw new Error(`kubectl ${words.join(" ")}: ${err}`);
    return out;
  }

  items(...words: readonly string[]): readonly ListedObject[] {
    const text = this.kubectl("get", ...words, "-o", "json");
    return (JSON.parse(text) as { readonly items: readonly ListedObject[] }).items;
  }

  apply(...objects: readonly object[]): void {
    const list = { apiVersion: "v1", kind: "List", items: objects };
    const text = JSON.stringify(list).replaceAll("'", "\\u0027");
    const file = "/run/e2e.json";
    this.run(1, "sh", "-c", `printf '%s' '${text}' > ${file}`);
    this.kubectl("apply", "-f", file);
  }

  /** Every pod that is selected is ready, and there are at least so many. */
  readyPods(
    least: number,
    timeoutMs: number,
    ...words: readonly string[]
  ): Promise<readonly ListedObject[]> {
    return eventually(
      `${least} ready pods ${words.join(" ")}`,
      () => this.items("pods", ...words),
      (all) => all.length >= least && all.every(isReady),
      timeoutMs,
    );
  }

  /** What curl prints, from a place that is none of the machines; "" where nothing answers. */
  ask(url: string, timeoutSeconds = 2): string {
    const words = outsideWords(this.set, ["curl", "-sm", String(timeoutSeconds), url]);
    const [program = "", ...rest] = words;
    return spawnSync(program, rest, { encoding: "utf8" }).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeMachines(this.set.set);
    rmSync(this.#dist, { recursive: true, force: true });
  }
}

/** A web server in a pod of its own, which answers with its name; label app=web. */
export const webPod = (name: string, nodeName: string): object => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: "web" } },
  spec: { nodeName, ...webPodSpec },
});

const serve = `require("http").createServer((q,s)=>s.end(require("os").hostname())).listen(8080)`;

/** The same for templates: listens on 8080, may run on the control plane's machine. */
export const webPodSpec = {
  terminationGracePeriodSeconds: 0,
  tolerations: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists" }],
  containers: [{ name: "main", image: programImage, command: ["node", "-e", serve] }],
};
