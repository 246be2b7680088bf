/**
 * Runs `npm run check`, then integration and e2e tests, then upstream's CRI validation, and ends
 * with one line that counts all tests: "N passed, N failed, N skipped". A step that is no test run
 * counts as one test.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { upstreamEnvironment } from "./upstream.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}
interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly success: boolean;
}

/** hack/critest's exit code where the suite is not built, or nobody is root. */
const cannotRun = 3;
const root = join(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "tskube-test-"));
const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
const env = {
  ...process.env,
  PATH: [join(root, "node_modules/.bin"), process.env["PATH"]].join(delimiter),
  NODE_OPTIONS: "--disable-warning=ExperimentalWarning",
  ...upstreamEnvironment(process.argv.includes("--upstream")),
};

function runStep(name: string, command: string, ...args: string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit", env });
  console.log(`${status === 0 ? "ok    " : "FAILED"}  ${name}`);
  if (status === 0) counts.passed++;
  else counts.failed++;
}

/** A run that ends without a report (a crash, say) counts as a failed test. */
function runTests(project: string): void {
  const report = join(folder, `${project}.json`);
  const args = ["run", "--project", project, "--reporter=default", "--reporter=json"];
  const { status } = spawnSync("vitest", [...args, `--outputFile.json=${report}`], {
    cwd: root,
    stdio: "inherit",
    env,
  });
  try {
    const result = JSON.parse(readFileSync(report, "utf8")) as VitestReport;
    counts.passed += result.numPassedTests;
    counts.failed += result.numFailedTests;
    counts.skipped += result.numPendingTests + result.numTodoTests;
    if (result.numFailedTests === 0 && status !== 0) counts.failed++;
  } catch {
    console.error(`the ${project} tests ended without a report`);
    counts.failed++;
  }
}

/** Each spec counts. A suite that cannot run says why, and counts as one that was skipped. */
function runCritest(): void {
  const report = join(folder, "critest.json");
  const mayBuild = process.argv.includes("--upstream") ? [] : ["--no-build"];
  const args = ["--report", report, ...mayBuild];
  const { status } = spawnSync("hack/critest", args, { cwd: root, stdio: "inherit", env });
  if (status === cannotRun) return void counts.skipped++;
  try {
    const { passed, failed, skipped } = JSON.parse(readFileSync(report, "utf8")) as Counts;
    counts.passed += passed;
    counts.failed += failed;
    counts.skipped += skipped;
    if (failed === 0 && status !== 0) counts.failed++;
  } catch {
    console.error("upstream's CRI validation ended without a report");
    counts.failed++;
  }
}

runStep("check without tests", "node", "hack/check.ts", "--no-tests");
for (const project of ["unit", "integration", "e2e"]) runTests(project);
runCritest();
rmSync(folder, { recursive: true });
if (counts.failed > 0) process.exitCode = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
