/**
 * Images made of Debian packages, for where no registry can be reached: the same store, layers and
 * configuration as of a pulled image. Maintainer scripts are not run; what they would have made is
 * part of a recipe.
 */
import { buildImage, type LayerMember } from "./build-image.ts";
import { downloadPackages, packageClosure, packageMembers } from "./debian-packages.ts";
import { baseMembers, busyboxApplets, placeInImage } from "./debian-plan.ts";
import type { Images, StoredImage } from "./images.ts";
import type { ContainerDefaults } from "./manifest.ts";
import { plainEntry } from "./tar-writer.ts";

export interface DebianImage {
  /** nginx */
  readonly name: string;
  /** Packages of each layer, lowest first; a library goes into the first layer that needs it. */
  readonly layers: readonly (readonly string[])[];
  readonly accounts: readonly {
    readonly name: string;
    readonly id: number;
    readonly home: string;
  }[];
  /** Members put on top, in the last layer. */
  readonly extra: readonly LayerMember[];
  readonly config: ContainerDefaults;
}

export interface DebianBuild {
  /** Downloaded packages are kept here: /var/cache/tskube/deb */
  readonly cache: string;
  readonly onProgress?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Builds the image from the machine's apt sources; the same package versions give the same image.
 */
export async function buildDebianImage(
  images: Images,
  image: DebianImage,
  { cache, onProgress = () => {}, signal }: DebianBuild,
): Promise<StoredImage> {
  const taken = new Set<string>();
  const layers: AsyncIterable<LayerMember>[] = [];
  const places = new Set<string>();
  for (const [index, names] of image.layers.entries()) {
    const closure = await packageClosure(names, cache, signal);
    const packages = closure.filter(({ name }) => !taken.has(name));
    for (const { name } of packages) taken.add(name);
    onProgress(
      `${image.name}: ${packages.map(({ name, version }) => `${name} ${version}`).join(", ")}`,
    );
    const files = await downloadPackages(packages, cache, signal);
    const before = index === 0 ? baseMembers(image.accounts) : [];
    const after = index === image.layers.length - 1 ? image.extra : [];
    layers.push(layerMembers({ files, before, after, places }));
  }
  return await buildImage(images, { name: image.name, config: image.config, layers });
}

/** Members in the packages' order; of what two packages bring, the first counts. */
async function* layerMembers(layer: {
  readonly files: readonly string[];
  readonly before: readonly LayerMember[];
  readonly after: readonly LayerMember[];
  /** What the layers so far hold. */
  readonly places: Set<string>;
}): AsyncGenerator<LayerMember> {
  const { places } = layer;
  for (const member of layer.before) {
    places.add(member.entry.path.replace(/\/$/, ""));
    yield member;
  }
  // Later members may replace what packages bring, but a tar holds each name once.
  const replaced = new Set(layer.after.map(({ entry }) => entry.path.replace(/\/$/, "")));
  for (const file of layer.files) {
    for await (const member of packageMembers(file)) {
      const place = placeInImage(member.entry.path);
      if (place === undefined || places.has(place) || replaced.has(place)) continue;
      for (const made of placed(member, place)) {
        places.add(made.entry.path.replace(/\/$/, ""));
        yield made;
      }
    }
  }
  yield* layer.after;
}

function* placed(member: LayerMember, place: string): Generator<LayerMember> {
  const { entry } = member;
  const isFolder = entry.type === "directory";
  const linkPath =
    entry.type === "hardlink" ? (placeInImage(entry.linkPath) ?? entry.linkPath) : entry.linkPath;
  yield { ...member, entry: { ...entry, path: isFolder ? `${place}/` : place, linkPath } };
  if (place !== "usr/bin/busybox" || !(member.content instanceof Uint8Array)) return;
  for (const applet of busyboxApplets(member.content)) {
    if (applet === "busybox") continue;
    // Hard links, so that each name is a file of its own to what masks or replaces one of them.
    const link = { path: `usr/bin/${applet}`, linkPath: place, mode: entry.mode };
    yield { entry: { ...plainEntry, ...link, type: "hardlink", mtime: entry.mtime } };
  }
}
