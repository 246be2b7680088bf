/**
 * Holds source files against the floors in `layers.ts`. Pure: text in, violations out, so that the
 * test can plant violations and see them found.
 */
import { doors, outside, rooms, type Room } from "./layers.ts";

export interface SourceFile {
  /** From the root of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const importPattern =
  /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s*"([^"]+)"|import\(\s*"([^"]+)"\s*\)|(?:^|\n)import\s+"([^"]+)"/g;

/** Every module specifier that the text imports, statically or dynamically. */
export function importsOf(text: string): readonly string[] {
  return [...text.matchAll(importPattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

const isTest = (path: string): boolean => /\.test\.ts$|\/testing\//.test(path);
const isOutside = (path: string): boolean =>
  outside.some((folder) => path.startsWith(`${folder}/`)) || !path.includes("/");
const roomOf = (path: string): Room | undefined =>
  rooms.find((room) => path.startsWith(`${room.path}/`));

/** Joins a relative specifier to the folder of the importing file. */
function resolve(from: string, specifier: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

function importViolation(room: Room, path: string, specifier: string): string | undefined {
  if (specifier.startsWith("node:")) {
    const name = specifier.slice("node:".length);
    const allowed = room.node?.includes(name) === true || doors[path]?.includes(specifier) === true;
    return allowed ? undefined : `${room.path} may not use node:${name}`;
  }
  if (!specifier.startsWith(".")) {
    const name = packageOf(specifier);
    const allowed = room.packages?.includes(name) === true;
    return allowed ? undefined : `${room.path} may not use the package ${name}`;
  }
  if (!/\.(ts|json)$/.test(specifier))
    return `imports name their file with its ending: ${specifier}`;
  const target = resolve(path, specifier);
  if (target.startsWith(`${room.path}/`)) return undefined;
  const allowed = room.imports.some((other) => target.startsWith(`${other}/`));
  return allowed ? undefined : `${room.path} may not import ${target}`;
}

/** Globals that only a door may touch: what is measured, waited for or printed is a parameter. */
const doorPatterns: readonly (readonly [name: string, pattern: RegExp])[] = [
  ["Date.now", /\bDate\.now\b/],
  ["new Date()", /\bnew Date\(\)/],
  ["performance.now", /\bperformance\.now\b/],
  ["Math.random", /\bMath\.random\b/],
  ["setTimeout", /(?<![.\w])setTimeout\b/],
  ["clearTimeout", /(?<![.\w])clearTimeout\b/],
  ["setInterval", /(?<![.\w])setInterval\b/],
  ["console", /(?<![.\w])console\./],
  ["process.env", /\bprocess\.env\b/],
  ["process.argv", /\bprocess\.argv\b/],
  ["process.exit", /\bprocess\.exit\b/],
  ["AbortSignal.timeout", /\bAbortSignal\.timeout\b/],
];

/** Comments may speak of anything. Strings are kept: a door called by name is still a door. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`])\/\/.*$/gm, "$1");

function doorViolations(path: string, text: string): readonly string[] {
  const code = withoutComments(text);
  const allowed = doors[path] ?? [];
  return doorPatterns
    .filter(([name, pattern]) => !allowed.includes(name) && pattern.test(code))
    .map(([name]) => `${name} appears outside its door; take it as a parameter`);
}

const atticNames = new Set(["util", "utils", "common", "helpers", "helper", "misc", "index"]);

function nameViolations(path: string): readonly string[] {
  const parts = path.replace(/(\.test|\.integration\.test|\.fuzz\.test|\.d)?\.ts$/, "").split("/");
  return parts.flatMap((part) => [
    ...(atticNames.has(part) ? [`"${part}" says nothing: name the thing`] : []),
    ...(/^[a-z0-9.]+(-[a-z0-9.]+)*$/.test(part) ? [] : [`"${part}" is not kebab-case`]),
  ]);
}

const lineColumnsMax = 100;
const hasNarrowLines = ["pkg/", "cmd/", "hack/", "e2e/"];
const commentPattern = /^\s*(?:\/\/|\/\*|\*)/;
/** A string, template or regular expression, with what is written into it: it cannot be broken. */
const literalPattern = /(["'`]).*\1|(?<=^|[\s(=,:])\/(?:[^/\\\n]|\\.)+\/[a-z]*/;

/** A line may be longer only by a literal that stands in it; a comment has none. */
function isTooLong(line: string): boolean {
  if (line.length <= lineColumnsMax) return false;
  if (commentPattern.test(line)) return true;
  return line.replace(literalPattern, "").length > lineColumnsMax || !literalPattern.test(line);
}

function lineViolations(path: string, text: string): readonly string[] {
  if (!hasNarrowLines.some((folder) => path.startsWith(folder))) return [];
  if (text.startsWith("// Generated by")) return [];
  return text
    .split("\n")
    .flatMap((line, index) =>
      isTooLong(line) ? [`line ${index + 1} is over ${lineColumnsMax} columns`] : [],
    );
}

/**
 * Circles of files that import one another, for types only or not: "a.ts → b.ts → a.ts", one for
 * each import that closes a circle. What two files share belongs to a third.
 */
export function importCycles(files: readonly SourceFile[]): readonly string[] {
  const paths = new Set(files.map(({ path }) => path));
  const imports = new Map(
    files.map(({ path, text }) => [
      path,
      importsOf(text)
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => resolve(path, specifier))
        .filter((target) => paths.has(target)),
    ]),
  );
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, above: readonly string[]): void => {
    const start = above.indexOf(path);
    if (start >= 0) cycles.push([...above.slice(start), path].join(" → "));
    if (start >= 0 || done.has(path)) return;
    for (const below of imports.get(path) ?? []) visit(below, [...above, path]);
    done.add(path);
  };
  for (const path of [...paths].sort()) visit(path, []);
  return cycles;
}

/** All that is wrong with one file by itself: "path: what". */
export function violationsOf({ path, text }: SourceFile): readonly string[] {
  const found: string[] = [...nameViolations(path), ...lineViolations(path, text)];
  const room = roomOf(path);
  if (room === undefined && !isOutside(path)) found.push("is in no room of hack/layers.ts");
  if (room !== undefined && !isTest(path)) {
    for (const specifier of importsOf(text)) {
      const violation = importViolation(room, path, specifier);
      if (violation !== undefined) found.push(violation);
    }
    found.push(...doorViolations(path, text));
  }
  return found.map((what) => `${path}: ${what}`);
}
