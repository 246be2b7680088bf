/**
 * `npm run build`: dist/NAME.mjs (or --out FOLDER) for every program of cmd/, one file each with
 * what it needs, and with --sea single executables for tskube and tskubectl, which need nothing but
 * a libc.
 */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rolldown, type Plugin } from "rolldown";

const root = join(import.meta.dirname, "..");
const { out } = parseArgs({
  options: { out: { type: "string" }, sea: { type: "boolean" } },
  strict: false,
}).values;
const dist = typeof out === "string" ? out : join(root, "dist");
/**
 * Written beside, then put in place at once: a program that is starting sees one build, not two.
 */
const draft = `${dist}.draft`;
const executables = ["tskube", "tskubectl"];

const programs = readdirSync(join(root, "cmd"))
  .filter((name) => existsSync(join(root, "cmd", name, "main.ts")))
  .toSorted();
const quickStarters = ["tskubectl"];
const slowStarters = programs.filter((name) => !quickStarters.includes(name));

/**
 * Modules of Node whose `import` evaluates all that they offer: Node's fetch, file streams, every
 * public authority. A program that imports a name gets that name, and the rest stays asleep.
 */
const wideModules = ["node:fs", "node:http", "node:https", "node:tls"];

const plainNames = (module: string): readonly string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(process.getBuiltinModule(module)))
    .filter(([name, property]) => "value" in property && /^[A-Za-z_]\w*$/.test(name))
    .map(([name]) => name);

const narrowImports: Plugin = {
  name: "narrow-imports",
  resolveId: (source, _importer, { kind }) => {
    if (!wideModules.includes(source)) return null;
    const isImport = kind === "import-statement" || kind === "dynamic-import";
    return isImport ? `\0${source}` : { id: source, external: true };
  },
  load: (id) => {
    const module = id.slice(1);
    if (!id.startsWith("\0") || !wideModules.includes(module)) return null;
    const names = plainNames(module).join(", ");
    const value = `process.getBuiltinModule(${JSON.stringify(module)})`;
    return `const whole = ${value};\nexport default whole;\nexport const { ${names} } = whole;\n`;
  },
};
const external = (id: string): boolean => id.startsWith("node:") && !wideModules.includes(id);

/**
 * Parts that only some commands need stay files of their own, so that start-up does not read them.
 */
async function bundle(): Promise<void> {
  const build = await rolldown({
    input: Object.fromEntries(
      slowStarters.map((name) => [name, join(root, "cmd", name, "main.ts")]),
    ),
    platform: "node",
    logLevel: "warn",
    // Optional dependencies of others that are not installed, and never used here.
    external,
    plugins: [narrowImports],
  });
  await build.write({
    dir: draft,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "parts/[name]-[hash].mjs",
    sourcemap: false,
  });
  await build.close();
}

/** Modules that a program loads before it does anything: what its static imports lead to. */
function eagerModules(entry: string) {
  const imports = new Map<string, readonly string[]>();
  const plugin: Plugin = {
    name: "eager-modules",
    moduleParsed: ({ id, importedIds }) => void imports.set(id, importedIds),
  };
  let found: Set<string> | undefined;
  const walk = (id: string, into: Set<string>): Set<string> => {
    if (into.has(id)) return into;
    into.add(id);
    for (const imported of imports.get(id) ?? []) walk(imported, into);
    return into;
  };
  return { plugin, has: (id: string) => (found ??= walk(entry, new Set())).has(id) };
}

/**
 * tskubectl starts for every command: what it always needs is one file, since each file more costs
 * its start time.
 */
async function bundleForQuickStart(name: string): Promise<void> {
  const entry = join(root, "cmd", name, "main.ts");
  const eager = eagerModules(entry);
  const build = await rolldown({
    input: { [name]: entry },
    platform: "node",
    logLevel: "warn",
    preserveEntrySignatures: "allow-extension",
    external,
    plugins: [eager.plugin, narrowImports],
  });
  await build.write({
    dir: draft,
    format: "esm",
    entryFileNames: "[name].mjs",
    chunkFileNames: "parts/[name]-[hash].mjs",
    codeSplitting: {
      includeDependenciesRecursively: false,
      groups: [{ name: `${name}-start`, test: (id) => eager.has(id) }],
    },
  });
  await build.close();
}

/** A single executable wants one file: everything inlined, as CommonJS. */
async function singleExecutable(name: string): Promise<void> {
  const build = await rolldown({
    input: join(root, "cmd", name, "main.ts"),
    platform: "node",
    logLevel: "warn",
    external,
    plugins: [narrowImports],
  });
  const main = join(dist, "sea", `${name}.mjs`);
  await build.write({ file: main, format: "esm", codeSplitting: false });
  await build.close();
  const config = join(dist, "sea", `${name}.json`);
  const output = join(dist, name);
  writeFileSync(
    config,
    JSON.stringify({
      main,
      mainFormat: "module",
      output,
      disableExperimentalSEAWarning: true,
      useCodeCache: false,
      execArgv: ["--disable-warning=ExperimentalWarning"],
    }),
  );
  execFileSync(process.execPath, ["--build-sea", config], { stdio: "inherit" });
  chmodSync(output, 0o755);
}

rmSync(draft, { recursive: true, force: true });
await bundle();
for (const name of quickStarters) await bundleForQuickStart(name);
rmSync(dist, { recursive: true, force: true });
renameSync(draft, dist);
console.log(`built ${programs.map((name) => `dist/${name}.mjs`).join(" ")}`);
if (process.argv.includes("--sea")) {
  for (const name of executables) {
    await singleExecutable(name);
    console.log(`built dist/${name}`);
  }
}
