/**
 * Upstream's conformance suite (e2e.test) against a cluster that tsadm makes of machines on this
 * host. `--focus`, `--skip`: regular expressions on specs; `--machines N`; `--shards N`: that many
 * processes at a time; `--report FILE`: outcome of every spec as JSON. Prints each spec that failed
 * or was skipped, and a line that counts. What it needs of upstream is built on the first run,
 * which takes minutes.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openImages } from "../cmd/wiring/cri-runtime.ts";
import { systemDoors } from "../cmd/wiring/doors.ts";
import { enterWords } from "../e2e/machines.ts";
import { isReady, TsadmBed, whyNoMachines } from "../e2e/tsadm-bed.ts";
import { eventually } from "../e2e/test-bed.ts";
import { buildDebianImage } from "../pkg/images/debian-image.ts";
import { conformanceImages } from "./conformance-images.ts";
import { countSpecs, printSpecs, type SpecReport } from "./critest-report.ts";
import { upstreamProgram } from "./upstream.ts";

const { values } = parseArgs({
  options: {
    focus: { type: "string", default: String.raw`\[Conformance\]` },
    skip: { type: "string" },
    machines: { type: "string", default: "2" },
    shards: { type: "string", default: "4" },
    report: { type: "string" },
    /** Leaves the folder with all logs. */
    keep: { type: "boolean", default: false },
  },
});
const cache = "/var/cache/tskube/deb";
const kubeconfig = "/etc/tskube/admin.conf";
const controlPlaneTaint = "node-role.kubernetes.io/control-plane";

const textOf = (program: string, ...words: readonly string[]): string => {
  const { status, stdout, stderr } = spawnSync(program, words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${stderr}`);
  return stdout;
};

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);

/** A spec's whole name, as --ginkgo.focus is matched against it. */
const nameOf = ({ ContainerHierarchyTexts, LeafNodeText }: SpecReport): string =>
  [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(" ");

const reportsIn = (file: string): readonly SpecReport[] =>
  (JSON.parse(readFileSync(file, "utf8")) as { SpecReports?: SpecReport[] }[]).flatMap(
    ({ SpecReports = [] }) => SpecReports,
  );

/** Which specs a run would have: Ginkgo tells without running them. */
function listSpecs(suite: string, folder: string): readonly string[] {
  const file = join(folder, "dry.json");
  const skip = values.skip === undefined ? [] : [`--ginkgo.skip=${values.skip}`];
  textOf(
    suite,
    "--ginkgo.dry-run",
    `--ginkgo.focus=${values.focus}`,
    ...skip,
    `--ginkgo.json-report=${file}`,
  );
  return reportsIn(file)
    .filter(({ LeafNodeType, State }) => LeafNodeType === "It" && State === "passed")
    .map(nameOf);
}

/** The images once, then a copy for each machine, before anything of tskube runs there. */
async function provideImages(bed: TsadmBed, suite: string, agnhost: string): Promise<void> {
  const references = textOf(suite, "--list-images").trim().split("\n");
  const folder = mkdtempSync(join(tmpdir(), "tskube-images-"));
  try {
    const store = await openImages(folder, systemDoors("conformance", "error"));
    const images = conformanceImages(references, agnhost);
    for (const image of images) await buildDebianImage(store, image, { cache });
    console.log(`built ${images.length} of ${references.length} images`);
    for (const { pid } of bed.set.machines) {
      // Not cpSync: it makes relative links absolute.
      textOf("cp", "-a", `${folder}/.`, `/proc/${pid}/root/var/lib/tskube`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startCluster(bed: TsadmBed): Promise<void> {
  bed.init();
  for (const [at] of bed.set.machines.entries()) if (at > 0) bed.join(at + 1);
  bed.kubectl("taint", "nodes", bed.machine(1).name, `${controlPlaneTaint}-`);
  // Specs about topology ask for three zones, some of them with two machines in each.
  for (const [at, { name }] of bed.set.machines.entries())
    bed.kubectl("label", "node", name, `topology.kubernetes.io/zone=zone-${(at % 3) + 1}`);
  await eventually(
    "the cluster to be ready",
    () => bed.items("pods", "-n", "kube-system"),
    (all) => all.every(isReady),
    120_000,
  );
}

/** One process of the suite, with these specs alone. */
async function runSpecs(
  bed: TsadmBed,
  suite: string,
  specs: readonly string[],
  file: string,
): Promise<readonly SpecReport[]> {
  if (specs.length === 0) return [];
  const words = enterWords(bed.machine(1), [
    suite,
    `--kubeconfig=${kubeconfig}`,
    "--provider=skeleton",
    "--disable-log-dump",
    `--kubectl-path=${upstreamProgram("kubectl", true)}`,
    `--ginkgo.json-report=/run/${file}.json`,
    ...specs.map((name) => `--ginkgo.focus=${escaped(name)}$`),
  ]);
  const [program = "", ...rest] = words;
  const log = openSync(join(folder, `${file}.log`), "w");
  await once(spawn(program, rest, { stdio: ["ignore", log, log], cwd: "/" }), "exit");
  const report = `/proc/${bed.machine(1).pid}/root/run/${file}.json`;
  if (existsSync(report)) return reportsIn(report);
  // A spec that panics takes its process with it, and the report of the others.
  const end = readFileSync(join(folder, `${file}.log`), "utf8").slice(-2_000);
  console.log(`FAILED: ${file} of ${specs.length} specs ended without a report:\n${end}`);
  process.exitCode = 1;
  return [];
}

async function runAll(bed: TsadmBed, suite: string): Promise<readonly SpecReport[]> {
  const specs = listSpecs(suite, folder);
  const serial = specs.filter((name) => name.includes("[Serial]"));
  const others = specs.filter((name) => !name.includes("[Serial]"));
  console.log(`${specs.length} specs, ${serial.length} of them one behind the other`);
  const shards = Array.from({ length: Number(values.shards) }, (_, at) =>
    others.filter((_name, index) => index % Number(values.shards) === at),
  );
  const parallel = await Promise.all(
    shards.map((shard, at) => runSpecs(bed, suite, shard, `shard-${at + 1}`)),
  );
  return [...parallel.flat(), ...(await runSpecs(bed, suite, serial, "serial"))];
}

function tell(specs: readonly SpecReport[], seconds: number): void {
  printSpecs(specs);
  if (values.report !== undefined) {
    const outcome = specs
      .filter(({ LeafNodeType, State, Failure }) =>
        LeafNodeType === "It" ? State !== "skipped" || Failure !== undefined : false,
      )
      .map((spec) => ({
        name: nameOf(spec),
        state: spec.State,
        seconds: spec.RunTime / 1e9,
        message: spec.Failure?.Message,
      }));
    writeFileSync(values.report, JSON.stringify(outcome, null, 1));
  }
  const { passed, failed, skipped } = countSpecs(specs);
  const summed = specs.reduce((sum, { RunTime }) => sum + RunTime / 1e9, 0);
  console.log(
    `conformance: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds.toFixed(0)} s (${summed.toFixed(0)} s summed)`,
  );
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

const reason = whyNoMachines();
const suite = upstreamProgram("e2e.test", true);
const agnhost = upstreamProgram("agnhost", true);
const folder = mkdtempSync(join(tmpdir(), "tskube-conformance-"));
if (reason !== undefined || suite === undefined || agnhost === undefined) {
  console.log(`conformance cannot run: ${reason ?? "e2e.test and agnhost need Go to be built"}`);
  process.exitCode = 3;
} else {
  await using bed = await TsadmBed.make("conformance", Number(values.machines));
  await provideImages(bed, suite, agnhost);
  await startCluster(bed);
  const started = performance.now();
  const specs = await runAll(bed, suite);
  tell(specs, (performance.now() - started) / 1000);
}
if (values.keep) console.log(`logs are in ${folder}`);
else rmSync(folder, { recursive: true, force: true });
