/**
 * Puts an image into the node's store before a cluster asks for it: the real one where its registry
 * can be reached, else one built from Debian's packages. Says which of the two it is.
 */
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
  const doors = { clock: systemClock, random: systemRandom, logger: silentLogger };
  const images = await openImages(dataFolder, doors);
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

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    options: { "data-dir": { type: "string" } },
    allowPositionals: true,
  });
  const folder = values["data-dir"] ?? criDefaults.dataFolder;
  for (const name of positionals) await ensureImage(name, (line) => console.log(line), folder);
}
