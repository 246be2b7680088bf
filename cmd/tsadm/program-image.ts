import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, readdirSync, statSync } from "node:fs";
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
  content: createReadStream(source, { highWaterMark: readBytes }),
});

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

function* programMembers(program: string, path: string): Generator<LayerMember> {
  yield hostFile(program, path, 0o755);
  for (const library of librariesOf(program)) {
    yield hostFile(library, placeInImage(library.slice(1)) ?? library.slice(1), 0o755);
  }
}

async function* baseLayer(program: string, path: string): AsyncGenerator<LayerMember> {
  const base = baseMembers(accounts);
  yield* base;
  const made = new Set(base.map(({ entry }) => entry.path.replace(/\/$/, "")));
  yield* withFolders(programMembers(program, path), made);
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
    layers: [baseLayer(process.execPath, node), programsLayer(dist)],
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
      layers: [baseLayer(etcdProgram, etcdProgram.slice(1))],
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
