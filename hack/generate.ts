/**
 * Writes what the project takes from upstream's published definitions: types, resources, schema
 * and CRI. `npm run generate` writes; `node hack/generate.ts --check` fails where files differ.
 * The definitions are read from ../shared/kubernetes-api or from the folder given as argument.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { emitCri } from "./generate/emit-cri.ts";
import { emitResources } from "./generate/emit-resources.ts";
import { emitSchema } from "./generate/emit-schema.ts";
import { emitTypes } from "./generate/emit-types.ts";
import { readModel } from "./generate/model.ts";
import type { Files } from "./generate/output.ts";

const root = dirname(import.meta.dirname);

export function generate(source: string): Files {
  const files: Files = new Map();
  const model = readModel(source);
  emitTypes(model, files);
  emitResources(source, model, files);
  emitSchema(model, files);
  emitCri(source, files);
  return files;
}

const current = (path: string): string =>
  existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : "";

function main(args: readonly string[]): void {
  const source =
    args.find((arg) => !arg.startsWith("--")) ?? join(root, "../shared/kubernetes-api");
  if (!existsSync(source)) {
    console.log(`generate: skipped: upstream's definitions are not here (${source})`);
    return;
  }
  const changed = [...generate(source)].filter(([path, text]) => current(path) !== text);
  for (const [path, text] of changed) {
    console.log(args.includes("--check") ? `differs: ${path}` : `written: ${path}`);
    if (args.includes("--check")) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  if (args.includes("--check") && changed.length > 0) process.exitCode = 1;
}

if (import.meta.main) main(process.argv.slice(2));
