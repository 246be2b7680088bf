/**
 * Debian packages by apt and dpkg-deb: looked up, downloaded into a cache, read. Nothing is
 * installed.
 */
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { LayerMember } from "./build-image.ts";
import { debFileName, isLibrary, parsePackages, type DebianPackage } from "./debian-plan.ts";
import { TarParser } from "./tar-parser.ts";

const run = promisify(execFile);
const outputBytesMax = 64 * 1024 * 1024;
/** Fetching may wait for a slow mirror, not for ever. */
const fetchMsMax = 300_000;
/** A member is held in memory while it is copied. */
const memberBytesMax = 256 * 1024 * 1024;

/**
 * apt parses its lists anew for each call, a second of work, unless it may keep the result; on many
 * machines it may not (container images' apt configuration). We keep one of our own.
 */
const ownCache = (cache: string): readonly string[] => [
  "-o",
  `Dir::Cache::pkgcache=${join(cache, "pkgcache.bin")}`,
  "-o",
  `Dir::Cache::srcpkgcache=${join(cache, "srcpkgcache.bin")}`,
];

/** The named packages and, transitively, the libraries they depend on; libraries first. */
export async function packageClosure(
  names: readonly string[],
  cache: string,
  signal?: AbortSignal,
): Promise<readonly DebianPackage[]> {
  await mkdir(cache, { recursive: true });
  const known = new Map<string, DebianPackage>();
  let wanted = [...names];
  while (wanted.length > 0) {
    const found = await showPackages(wanted, cache, signal);
    for (const name of wanted) {
      const candidate = found.get(name);
      if (candidate === undefined) throw new Error(`apt knows no package ${name}`);
      if (names.includes(name) || isLibrary(candidate)) known.set(name, candidate);
      else known.set(name, { ...candidate, depends: [], section: "left-out" });
    }
    const next = [...known.values()].flatMap(({ depends }) => depends);
    wanted = [...new Set(next)].filter((name) => !known.has(name));
  }
  const kept = [...known.values()].filter(({ section }) => section !== "left-out");
  const rank = (item: DebianPackage): number => (isLibrary(item) ? 0 : 1);
  return kept.toSorted((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** By name. On a machine whose lists were never fetched, fetches them first. */
async function showPackages(
  names: readonly string[],
  cache: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, DebianPackage>> {
  const show = async (): Promise<ReadonlyMap<string, DebianPackage>> => {
    const options = [...ownCache(cache), "show", "--no-all-versions", ...names];
    const environment = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" };
    const settings = { maxBuffer: outputBytesMax, env: environment };
    // A name that apt does not know makes it fail, with the others printed all the same.
    const { stdout } = await run("apt-cache", options, {
      ...settings,
      ...(signal === undefined ? {} : { signal }),
    }).catch((error: unknown) => ({ stdout: stdoutOf(error) }));
    return new Map(parsePackages(stdout).map((item) => [item.name, item]));
  };
  const found = await show();
  // Virtual packages stay unknown; only when nothing at all is known are the lists missing.
  if (found.size > 0) return withVirtual(found, names);
  await run("apt-get", ["update", "-q"], { timeout: fetchMsMax, maxBuffer: outputBytesMax });
  return withVirtual(await show(), names);
}

/** A virtual package has no paragraph, and is nothing that an image could hold. */
function withVirtual(
  found: ReadonlyMap<string, DebianPackage>,
  names: readonly string[],
): ReadonlyMap<string, DebianPackage> {
  if (found.size === 0) return found;
  const nothing = { version: "", architecture: "", section: "virtual", depends: [], sha256: "" };
  return new Map(names.map((name) => [name, found.get(name) ?? { ...nothing, name }]));
}

function stdoutOf(error: unknown): string {
  if (error instanceof Error && "stdout" in error) return String(error.stdout);
  throw error;
}

/** Files of the packages in `cache`, downloaded where they are not there with the right digest. */
export async function downloadPackages(
  packages: readonly DebianPackage[],
  cache: string,
  signal?: AbortSignal,
): Promise<readonly string[]> {
  await mkdir(cache, { recursive: true });
  const missing: DebianPackage[] = [];
  for (const item of packages) {
    if (!(await isWhole(join(cache, debFileName(item)), item.sha256))) missing.push(item);
  }
  if (missing.length > 0) {
    const names = missing.map(({ name, version }) => `${name}=${version}`);
    // As root: apt's own user cannot write into a private folder.
    const sandbox = ["-o", "APT::Sandbox::User=root"];
    const options = ["-q", ...ownCache(cache), ...sandbox, "download", ...names];
    await run("apt-get", options, {
      cwd: cache,
      timeout: fetchMsMax,
      maxBuffer: outputBytesMax,
      ...(signal === undefined ? {} : { signal }),
    });
  }
  for (const item of missing) {
    const file = join(cache, debFileName(item));
    if (!(await isWhole(file, item.sha256))) throw new Error(`${file} has not apt's digest`);
  }
  return packages.map((item) => join(cache, debFileName(item)));
}

async function isWhole(file: string, sha256: string): Promise<boolean> {
  const bytes = await readFile(file).catch(() => undefined);
  if (bytes === undefined) return false;
  return createHash("sha256").update(bytes).digest("hex") === sha256;
}

/** The members of a package's file archive; maintainer scripts are not among them. */
export async function* packageMembers(deb: string): AsyncGenerator<LayerMember> {
  const child = spawn("dpkg-deb", ["--fsys-tarfile", deb], { stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString("utf8")));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  ended.catch(() => {});
  const parser = new TarParser();
  let member: { readonly entry: LayerMember["entry"]; readonly content: Buffer } | undefined;
  for await (const chunk of child.stdout) {
    for (const event of parser.push(chunk as Uint8Array)) {
      if (event.is === "entry") {
        if (event.entry.size > memberBytesMax) throw new Error(`${event.entry.path} is too large`);
        member = { entry: event.entry, content: Buffer.alloc(event.entry.size) };
      }
      if (event.is === "data") member?.content.set(event.bytes, event.offset);
      if (event.is === "end" && member !== undefined) yield withContent(member);
    }
  }
  const code = await ended;
  if (code !== 0) throw new Error(`dpkg-deb ${deb}: exit code ${code}: ${complaint.trim()}`);
}

const withContent = (member: { entry: LayerMember["entry"]; content: Buffer }): LayerMember =>
  member.entry.type === "file" ? member : { entry: member.entry };
