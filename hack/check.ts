/**
 * `npm run check`: everything that needs neither root nor a network, under a minute. Runs all the
 * steps even when one fails, so that one run tells everything. --no-tests leaves the tests out.
 */
import { spawnSync } from "node:child_process";

const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ["generated files", "node", "hack/generate.ts", "--check"],
  ["types", "tsc", "-p", "tsconfig.json"],
  ["pure types", "tsc", "-p", "tsconfig.pure.json"],
  ["format", "oxfmt", "--check"],
  ["lint", "oxlint", "--type-aware"],
  ["unit tests", "vitest", "run", "--project", "unit", "--reporter=dot"],
];

const failed: string[] = [];
const withTests = !process.argv.includes("--no-tests");
for (const [name, command, ...args] of steps) {
  if (command === "vitest" && !withTests) continue;
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: "inherit" });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${status === 0 ? "ok    " : "FAILED"}  ${name}  ${seconds} s`);
  if (status !== 0) failed.push(name);
}
if (failed.length > 0) {
  console.error(`check: failed: ${failed.join(", ")}`);
  process.exitCode = 1;
}
