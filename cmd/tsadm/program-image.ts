import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, join } from "node:path";
import { buildImage, noDefaults, type LayerMember } from "../../pkg/images/build-image.ts";
import { buildDebianImage } from "../../pkg/images/debian-image.ts";
import { baseMembers, placeInImage, textMember } from "../../pkg/images/debian-plan.ts";
import type { Images } from "../../pkg/images/images.ts";
import { plainEntry } from "../../pkg/images/tar-writer.ts";

const accounts = [
  { name: "root", id: 0, home: "/root" },
  { name: "nobody", id: 65534, home: "/nonexistent" },
] as const;
const programFolder = "usr/lib/tskube";
const node = "usr/bin/node";
/** Downloaded Debian packages are kept here. */
const packageCache = "/var/cache/tskube/deb";

const folder = (path: string): LayerMember => ({
  entry: { ...plainEntry, path: `${path}/`, type: "directory", mode: 0o755 },
});

const readBytes = 1024 * 1024;

/** A file of this machine at a place of the image. */
const hostFile = (source: string, path: string, mode: number): LayerMember => ({
  entry: { ...plainEntry, path, mode, size: statSync(source).size },
  content: contentOf(source),
});

/** One buffer for all of it: fresh ones cost more than reading does. */
async function* contentOf(path: string): AsyncGenerator<Uint8Array> {
  await using file = await open(path);
  const buffer = Buffer.allocUnsafe(readBytes);
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, readBytes);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Shared libraries and the loader that a program of this machine needs, as ldd(1) finds them. */
const librariesOf = (program: string): readonly string[] =>
  [...execFileSync("ldd", [program], { encoding: "utf8" }).matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(
    ([, path = ""]) => path,
  );

/** Every file with its folders before it, each once. */
function* withFolders(members: Iterable<LayerMember>, made: Set<string>): Generator<LayerMember> {
  for (const member of members) {
    const parts = member.entry.path.split("/").slice(0, -1);
    for (const [at] of parts.entries()) {
      const path = parts.slice(0, at + 1).join("/");
      if (made.has(path)) continue;
      made.add(path);
      yield folder(path);
    }
    yield member;
  }
}

/** A file of this machine that is run or opened, and its place in the image. */
type Program = readonly [source: string, path: string];

const asLibrary = (source: string): Program => [
  source,
  placeInImage(source.slice(1)) ?? source.slice(1),
];

/** The programs with all that they are linked with, each file once. */
function* programMembers(programs: readonly Program[]): Generator<LayerMember> {
  const libraries = programs.flatMap(([source]) => librariesOf(source)).map(asLibrary);
  const files = new Map([...programs, ...libraries].map(([source, path]) => [path, source]));
  for (const [path, source] of files) yield hostFile(source, path, 0o755);
}

/** The service proxy opens it at run time: no program here is linked with it. */
const packetFilter = "libnftables.so.1";

/** It reads protocols' names there: Debian's netbase is on every machine, and not in the image. */
const protocols = textMember("etc/protocols", "icmp 1\ntcp 6\nudp 17\nipv6-icmp 58\nsctp 132\n");

function packetFilterLibrary(): Program {
  const cache = execFileSync("/sbin/ldconfig", ["-p"], { encoding: "utf8" });
  const line = cache.split("\n").find((one) => one.trim().startsWith(`${packetFilter} `));
  const [, library] = /=> (\/\S+)/.exec(line ?? "") ?? [];
  if (library === undefined)
    throw new Error(`${packetFilter} is missing; install it: apt-get install nftables`);
  return asLibrary(library);
}

async function* baseLayer(own: Iterable<LayerMember>): AsyncGenerator<LayerMember> {
  const base = baseMembers(accounts);
  yield* base;
  const made = new Set(base.map(({ entry }) => entry.path.replace(/\/$/, "")));
  yield* withFolders(own, made);
}

function* nodeMembers(): Generator<LayerMember> {
  yield* programMembers([[process.execPath, node], packetFilterLibrary()]);
  yield protocols;
}

/** What `npm run build` made, each program under its own name on the search path. */
async function* programsLayer(dist: string): AsyncGenerator<LayerMember> {
  yield folder(programFolder);
  yield folder(`${programFolder}/parts`);
  const parts = join(dist, "parts");
  for (const name of existsSync(parts) ? readdirSync(parts).toSorted() : []) {
    if (name.endsWith(".mjs"))
      yield hostFile(join(parts, name), `${programFolder}/parts/${name}`, 0o644);
  }
  for (const name of readdirSync(dist).toSorted()) {
    if (!name.endsWith(".mjs")) continue;
    yield hostFile(join(dist, name), `${programFolder}/${name}`, 0o644);
    const command = basename(name, ".mjs");
    const run = `#!/${node} --disable-warning=ExperimentalWarning\nimport "/${programFolder}/${name}";\n`;
    const launcher = textMember(`${programFolder}/bin/${command}.mjs`, run);
    yield { ...launcher, entry: { ...launcher.entry, mode: 0o755 } };
    yield {
      entry: {
        ...plainEntry,
        path: `usr/bin/${command}`,
        linkPath: `/${programFolder}/bin/${command}.mjs`,
        type: "symlink",
        mode: 0o777,
      },
    };
  }
}

/** An image with Node and all our programs, made of this machine's files. */
export async function buildProgramImage(images: Images, name: string, dist: string): Promise<void> {
  if (!existsSync(join(dist, "tskube-apiserver.mjs"))) {
    throw new Error(`there are no built programs in ${dist}: run npm run build`);
  }
  await buildImage(images, {
    name,
    config: noDefaults,
    layers: [baseLayer(nodeMembers()), programsLayer(dist)],
    compression: "none",
  });
}

const etcdProgram = "/usr/bin/etcd";

/**
 * An image with etcd: this machine's where Debian's package is installed, else from the package.
 */
export async function buildEtcdImage(images: Images, name: string): Promise<void> {
  if (existsSync(etcdProgram)) {
    await buildImage(images, {
      name,
      config: noDefaults,
      layers: [baseLayer(programMembers([[etcdProgram, etcdProgram.slice(1)]]))],
      compression: "none",
    });
    return;
  }
  await buildDebianImage(
    images,
    { name, layers: [["etcd-server"]], accounts, extra: [], config: noDefaults },
    { cache: packageCache },
  );
}
