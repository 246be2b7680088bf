/** `npm run help`: what there is to run. */
import { readFileSync } from "node:fs";

const about: Readonly<Record<string, string>> = {
  check: "types, floors, lint, format, unit tests",
  format: "formats the tree",
  lint: "the linter alone",
  types: "the compiler alone, also without Node's types for pure rooms",
  unit: "tests that need nothing",
  integration: "tests that need one real thing: etcd, root, a registry",
  e2e: "built programs on real namespaces",
  generate: "api/ from upstream's definitions (../shared/kubernetes-api)",
  build: "dist/*.mjs",
  "build-sea": "single executables of tskube and tskubectl",
  dev: "a cluster from source, restarted on save",
};
const { scripts } = JSON.parse(
  readFileSync(new URL("../package.json", import.meta.url), "utf8"),
) as {
  scripts: Record<string, string>;
};
for (const name of Object.keys(scripts)) {
  if (about[name] !== undefined) console.log(`npm run ${name.padEnd(12)} ${about[name]}`);
}
