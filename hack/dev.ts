/**
 * `npm run dev`: a cluster from source, started again whenever a file of it is saved. As root the
 * real one, otherwise simulated nodes. Containers go on over each restart. Further words go to
 * `tskube up`.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { watch } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
/** Editors write a file in several steps: one restart for all of them. */
const settleMs = 150;
const simulate = process.getuid?.() === 0 ? [] : ["--simulate"];
const words = ["--disable-warning=ExperimentalWarning", join(root, "cmd/tskube/main.ts"), "up"];

let child: ChildProcess | undefined;
let timer: NodeJS.Timeout | undefined;

function start(): void {
  child = spawn(process.execPath, [...words, ...simulate, ...process.argv.slice(2)], {
    stdio: "inherit",
  });
  child.on("exit", (code, signal) => {
    if (signal === null && code !== 0) console.log(`dev: ended with ${code}; waiting for a change`);
  });
}

function restart(): void {
  console.log("dev: restarting");
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return start();
  child.once("exit", start);
  child.kill("SIGTERM");
}

for (const folder of ["api", "cmd", "pkg"]) {
  watch(join(root, folder), { recursive: true }, (_, file) => {
    if (file === null || !/(?<!\.test)\.ts$/.test(file)) return;
    clearTimeout(timer);
    timer = setTimeout(restart, settleMs);
  });
}
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    child?.once("exit", () => process.exit(0));
    if (child?.kill("SIGTERM") !== true) process.exit(0);
  });
}
start();
