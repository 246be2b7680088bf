/**
 * Upstream's CRI validation suite (critest) against tskube-cri, in network and mount namespaces of
 * their own: stand-ins for its images are built from Debian's packages and served by Debian's
 * registry as a mirror of the original ones. Prints each spec that failed or was skipped, and a
 * line that counts. `--focus`, `--skip`: regular expressions on specs; `--report FILE`: counts as
 * JSON.
 *
 * The suite asks for one image by the digest that upstream's build of it has. A copy of critest
 * asks for the stand-in's digest instead, and nothing else of it is changed.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openImages } from "../cmd/wiring/cri-runtime.ts";
import { systemDoors } from "../cmd/wiring/doors.ts";
import { parseReference } from "../pkg/images/reference.ts";
import { startLocalRegistry } from "../pkg/images/testing/local-registry.ts";
import { digestRepository, standIns } from "./critest-images.ts";
import { countSpecs, printSpecs, type SpecReport } from "./critest-report.ts";
import { runInNamespaces, startOwnRuntime } from "./own-runtime.ts";
import { upstreamProgram } from "./upstream.ts";

const { values } = parseArgs({
  options: {
    focus: { type: "string" },
    skip: { type: "string" },
    report: { type: "string" },
    /** The folder, for the run inside of the namespaces. */
    inside: { type: "string" },
    /** Leaves the folder with all logs. */
    keep: { type: "boolean", default: false },
    /** exec, attach and port-forward over WebSocket instead of SPDY. */
    websocket: { type: "boolean", default: false },
    "no-build": { type: "boolean", default: false },
  },
});
const cache = "/var/cache/tskube/deb";
const pinnedDigest = "9700f9a2f5bf2c45f2f605a0bd3bce7cf37420ec9d3ed50ac2758413308766bf";
const doors = systemDoors("critest", "error");
const images = standIns(process.arch === "arm64" ? "arm64" : "x64");

/** Builds the stand-ins, then runs itself again in namespaces that end with it. */
async function outside(critest: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tskube-critest-"));
  // Users of user namespaces have to reach what is below.
  chmodSync(folder, 0o755);
  try {
    const store = await openImages(join(folder, "stand-ins"), doors);
    const built: Record<string, string> = {};
    for (const { make, references } of images) {
      const { id } = await make(store, cache);
      for (const reference of references) built[reference] = id;
    }
    writeFileSync(join(folder, "images.json"), JSON.stringify(built));
    console.log(`built stand-ins for ${Object.keys(built).length} of upstream's images`);
    const words = ["--inside", folder, ...process.argv.slice(2)];
    process.exitCode = runInNamespaces(import.meta.filename, words, { CRITEST: critest });
  } finally {
    if (values.keep) console.log(`logs are in ${folder}`);
    else rmSync(folder, { recursive: true, force: true });
  }
}

/** A copy that knows the stand-in by its digest. */
function critestFor(standInDigest: string, folder: string): string {
  const original = readFileSync(process.env["CRITEST"] ?? "");
  const at = original.indexOf(pinnedDigest);
  if (at < 0) throw new Error(`critest does not ask for ${pinnedDigest} any more`);
  original.write(standInDigest.replace("sha256:", ""), at, "latin1");
  const copy = join(folder, "critest");
  writeFileSync(copy, original, { mode: 0o755 });
  return copy;
}

/** Mirrors under which the original names are found. */
function writeMirrors(folder: string, mirror: string): string {
  const mirrors = ["registry.k8s.io", "k8s.gcr.io", "gcr.io"].map((host) => [host, [mirror]]);
  const registriesFile = join(folder, "registries.yaml");
  writeFileSync(registriesFile, JSON.stringify({ mirrors: Object.fromEntries(mirrors) }));
  return registriesFile;
}

async function runSuite(critest: string, socket: string, folder: string): Promise<SpecReport[]> {
  const report = join(folder, "report.json");
  const temporary = join(folder, "tmp");
  mkdirSync(temporary, { mode: 0o755 });
  const log = openSync(join(folder, "critest.log"), "a");
  const words = [
    `--runtime-endpoint=unix://${socket}`,
    `--ginkgo.json-report=${report}`,
    ...(values.websocket
      ? ["exec", "attach", "portforward"].map((one) => `--websocket-${one}`)
      : []),
    ...(values.focus === undefined ? [] : [`--ginkgo.focus=${values.focus}`]),
    ...(values.skip === undefined ? [] : [`--ginkgo.skip=${values.skip}`]),
  ];
  const suite = spawn(critest, words, {
    cwd: folder,
    stdio: ["ignore", log, log],
    env: { ...process.env, TMPDIR: temporary },
  });
  await once(suite, "exit");
  if (!existsSync(report)) {
    throw new Error(
      `critest ended without a report:\n${readFileSync(join(folder, "critest.log"))}`,
    );
  }
  const suites = JSON.parse(readFileSync(report, "utf8")) as { SpecReports?: SpecReport[] }[];
  return suites.flatMap(({ SpecReports = [] }) => SpecReports);
}

/** In namespaces of our own: a registry, the runtime, the suite. */
async function inside(folder: string): Promise<void> {
  execFileSync("ip", ["link", "set", "lo", "up"]);
  const store = await openImages(join(folder, "stand-ins"), doors);
  await using registry = await startLocalRegistry();
  let digest = "";
  const built = JSON.parse(readFileSync(join(folder, "images.json"), "utf8")) as object;
  for (const [name, id] of Object.entries(built)) {
    const stored = store.get(String(id));
    if (stored === undefined) throw new Error(`${name} was not built`);
    const { path, tag = "latest" } = parseReference(name);
    const pushed = await registry.push(store, stored, path, tag);
    if (name.startsWith(`${digestRepository}:`)) digest = pushed;
  }
  const critest = critestFor(digest, folder);
  const started = performance.now();
  const names = { bridge: "tskcritest1", podCidr: "10.251.8.0/24" };
  const registriesFile = writeMirrors(folder, `http://${registry.host}`);
  await using runtime = await startOwnRuntime(folder, names, { registriesFile });
  const specs = await runSuite(critest, runtime.socket, folder);
  printSpecs(specs);
  const counts = countSpecs(specs);
  if (values.report !== undefined) writeFileSync(values.report, JSON.stringify(counts));
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  const { passed, failed, skipped } = counts;
  console.log(`critest: ${passed} passed, ${failed} failed, ${skipped} skipped in ${seconds} s`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

const critest = upstreamProgram("critest", !values["no-build"]);
if (critest === undefined) {
  console.log("critest is skipped: it is not built; hack/critest builds it, in some minutes");
  process.exitCode = 3;
} else if (values.inside === undefined) await outside(critest);
else await inside(values.inside);
