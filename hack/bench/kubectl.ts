/**
 * How long `get pods` takes from the built program, beside upstream's kubectl in the same run,
 * taking turns: what a person waits for. A cluster must be running.
 *
 *     npm run build
 *     node hack/bench/kubectl.ts [--runs 15] [--kubeconfig FILE] [--kubectl PROGRAM]
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { printTable, summary } from "./table.ts";

const root = join(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "15" },
    kubeconfig: { type: "string", default: "/etc/tskube/admin.conf" },
    /** Upstream's program, where it is at hand. */
    kubectl: { type: "string" },
    /** The folder that `npm run build` wrote. */
    dist: { type: "string", default: join(root, "dist") },
  },
});

const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
const get = ["get", "pods", `--kubeconfig=${values.kubeconfig}`];
const programs: Readonly<Record<string, readonly string[]>> = {
  "node, doing nothing": [process.execPath, "-e", ""],
  "tskubectl get pods": [...node, join(values.dist, "tskubectl.mjs"), ...get],
  ...(values.kubectl === undefined ? {} : { "kubectl get pods": [values.kubectl, ...get] }),
};

function run([program = "", ...words]: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(program, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return performance.now() - start;
}

const times = Object.keys(programs).map((): number[] => []);
for (let round = 0; round < Number(values.runs); round++)
  Object.values(programs).forEach((words, at) => times[at]?.push(run(words)));
printTable(
  "start-up, whole process",
  Object.keys(programs).map((what, at) => ({ what, ...summary(times[at] ?? []) })),
);
