/**
 * Puts an image into the node's store before a cluster asks for it: the real one where its registry
 * can be reached, else one built from Debian's packages. Says which of the two it is. With --save
 * an archive of them is made, which --load takes on machines that reach neither.
 *
 *     hack/ensure-image.ts [--data-dir FOLDER] [--save FILE] NAME… | --load FILE
 */
import { createReadStream } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { chainOf } from "../pkg/base/errors.ts";
import { systemClock } from "../pkg/base/system-clock.ts";
import { systemRandom } from "../pkg/base/system-random.ts";
import { buildDebianImage, type DebianImage } from "../pkg/images/debian-image.ts";
import {
  busyboxImage,
  guestbookImage,
  nginxImage,
  redisImage,
} from "../pkg/images/debian-recipes.ts";
import { exportArchive } from "../pkg/images/export-archive.ts";
import { importArchive } from "../pkg/images/import-layout.ts";
import { pullImage } from "../pkg/images/pull-image.ts";
import { silentLogger } from "../pkg/telemetry/logger.ts";
import { criDefaults, openImages } from "../cmd/wiring/cri-runtime.ts";

const recipes: Readonly<Record<string, DebianImage>> = {
  nginx: nginxImage,
  busybox: busyboxImage,
  redis: redisImage,
  guestbook: guestbookImage,
};
const cache = "/var/cache/tskube/deb";
/** A registry that is there answers long before; without a network the failure is immediate. */
const reachMs = 5_000;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** `name`: one of the recipes. Throws when it can be neither pulled nor built. */
export async function ensureImage(
  name: string,
  say: (line: string) => void,
  dataFolder: string = criDefaults.dataFolder,
): Promise<void> {
  const recipe = recipes[name];
  if (recipe === undefined)
    throw new Error(`no recipe for ${name}; there are ${Object.keys(recipes).join(", ")}`);
  const images = await openStore(dataFolder);
  const known = images.get(name);
  if (known !== undefined) return say(`  ${name} is here already: ${megabytes(known.sizeBytes)}`);
  const unreachable = new AbortController();
  const timer = setTimeout(
    () => unreachable.abort(new Error(`no answer within ${reachMs} ms`)),
    reachMs,
  );
  const reached = (): void => clearTimeout(timer);
  try {
    const pulled = await pullImage(
      images,
      name,
      { onProgress: () => reached() },
      unreachable.signal,
    );
    say(`  pulled ${pulled.tags[0] ?? name} from its registry: ${megabytes(pulled.sizeBytes)}`);
  } catch (error) {
    say(`  its registry cannot be reached (${chainOf(error)})`);
    say(`  so it is built from Debian's packages:`);
    const built = await buildDebianImage(images, recipe, {
      cache,
      onProgress: (line) => say(`  ${line}`),
    });
    say(`  built ${name}: ${megabytes(built.sizeBytes)}`);
  } finally {
    reached();
  }
}

const openStore = (dataFolder: string) =>
  openImages(dataFolder, { clock: systemClock, random: systemRandom, logger: silentLogger });

async function saveImages(names: readonly string[], file: string, dataFolder: string) {
  const images = await openStore(dataFolder);
  const exported = names.flatMap((name) => {
    const image = images.get(name);
    const full = image?.tags[0];
    return image === undefined || full === undefined ? [] : [{ name: full, image }];
  });
  const draft = `${file}.draft`;
  await writeFile(draft, exportArchive(images, exported));
  await rename(draft, file);
  console.log(`  saved ${names.join(", ")} in ${file}`);
}

async function loadImages(file: string, dataFolder: string): Promise<void> {
  const images = await openStore(dataFolder);
  for (const { tags, sizeBytes } of await importArchive(images, createReadStream(file))) {
    console.log(`  loaded ${tags.join(", ")}: ${megabytes(sizeBytes)}`);
  }
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: {
      "data-dir": { type: "string", default: criDefaults.dataFolder },
      save: { type: "string" },
      load: { type: "string" },
    },
    allowPositionals: true,
  });
  const folder = values["data-dir"];
  if (values.load !== undefined) await loadImages(values.load, folder);
  for (const name of positionals) await ensureImage(name, (line) => console.log(line), folder);
  if (values.save !== undefined) await saveImages(positionals, values.save, folder);
}
