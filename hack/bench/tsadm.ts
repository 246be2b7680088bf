/**
 * How long `tsadm init` and `tsadm join` take, phase by phase, and how long from the start of init
 * until all of kube-system is ready. Each run has two fresh machines (e2e/machines.ts). As root.
 *
 *     node hack/bench/tsadm.ts [--runs 3]
 */
import { parseArgs } from "node:util";
import { eventually, type Outcome } from "../../e2e/test-bed.ts";
import { isReady, TsadmBed, type ListedObject } from "../../e2e/tsadm-bed.ts";
import { median, printTable, type Row } from "./table.ts";

const { values } = parseArgs({ options: { runs: { type: "string", default: "3" } } });

/** Milliseconds by what took them, in order. */
type Times = ReadonlyMap<string, number>;

/** What the program logged of its phases, and its own time with the start of its process. */
function timed(name: string, run: () => Outcome): { readonly times: Times; readonly out: string } {
  const start = performance.now();
  const { code, out, err } = run();
  const wholeMs = performance.now() - start;
  if (code !== 0) throw new Error(`tsadm ${name} ended with ${code}: ${err}\n${out}`);
  const lines = `${out}\n${err}`.split("\n").filter((line) => line.startsWith('{"'));
  const logged = lines.map((line) => JSON.parse(line) as { phase?: string; ms?: number });
  const phases = logged.flatMap(({ phase, ms }) =>
    phase === undefined || ms === undefined ? [] : [[`  ${phase}`, ms] as const],
  );
  return { times: new Map([[`tsadm ${name}`, wholeMs], ...phases]), out };
}

interface Workload {
  readonly kind: string;
  readonly metadata: ListedObject["metadata"];
  readonly spec?: { readonly replicas?: number };
  readonly status?: NonNullable<ListedObject["status"]> & {
    readonly readyReplicas?: number;
    readonly desiredNumberScheduled?: number;
    readonly numberReady?: number;
  };
}

const isUp = (object: Workload): boolean => {
  const { kind, spec, status } = object;
  if (kind === "Deployment") return status?.readyReplicas === spec?.replicas;
  if (kind === "DaemonSet")
    return (status?.numberReady ?? 0) > 0 && status?.numberReady === status?.desiredNumberScheduled;
  return isReady(object as unknown as ListedObject);
};

/** Until its workloads are there, DNS is what misses. */
function notUp(listed: readonly object[]): readonly string[] {
  const all = listed as readonly Workload[];
  const hasDns = all.some(({ kind, metadata }) => kind !== "Pod" && /dns/.test(metadata.name));
  const missing = all.filter((one) => !isUp(one)).map(({ metadata }) => metadata.name);
  return hasDns ? missing : ["dns"];
}

async function measure(): Promise<{ readonly init: Times; readonly join: Times }> {
  await using bed = await TsadmBed.make("bench", 2);
  const start = performance.now();
  const init = timed("init", () => bed.tsadm(1, "init", "--log-level=debug"));
  await eventually(
    "all of kube-system",
    () => notUp(bed.items("pods,deployments,daemonsets", "-n", "kube-system")),
    (names) => names.length === 0,
    60_000,
  );
  const readyMs = performance.now() - start;
  const words = init.out.split("\n").find((line) => line.startsWith("tsadm join ")) ?? "";
  const flags = words.split(" ").slice(1);
  const join = timed("join", () => bed.tsadm(2, ...flags, "--log-level=debug"));
  const whole = new Map([...init.times, ["start of init to all of kube-system ready", readyMs]]);
  return { init: whole, join: join.times };
}

const rowsOf = (runs: readonly Times[]): readonly Row[] =>
  [...(runs[0] ?? new Map<string, number>()).keys()].map((what) => {
    const all = runs.map((times) => times.get(what) ?? Number.NaN);
    const range = `${Math.min(...all).toFixed(0)}–${Math.max(...all).toFixed(0)}`;
    return { what, value: `${median(all).toFixed(0).padStart(6)} ms  (${range})` };
  });

const runs: Awaited<ReturnType<typeof measure>>[] = [];
for (let run = 0; run < Number(values.runs); run++) runs.push(await measure());
printTable(`tsadm on fresh machines: medians of ${runs.length} runs, and their range`, [
  ...rowsOf(runs.map(({ init }) => init)),
  ...rowsOf(runs.map(({ join }) => join)),
]);
