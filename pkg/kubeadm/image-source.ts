/** Where a machine's images come from. Pure. */
import { parseReference } from "../images/reference.ts";
import { imagesIn, localRepository, type ClusterImages } from "./cluster-spec.ts";

export type ImageSource =
  /** Made here of what is installed. */
  | { readonly from: "this machine" }
  /** Pulled from below a prefix: registry.example/tskube. */
  | { readonly from: "registry"; readonly prefix: string }
  /** A tar archive (OCI layout or Docker's), or a folder with an OCI layout. */
  | { readonly from: "archive"; readonly path: string };

const isPath = (text: string): boolean =>
  /^\.{0,2}\//.test(text) || /\.(tar|tgz|tar\.gz|tar\.zst)$/.test(text);

/**
 * What `--images` says: a path begins with /, ./ or ../ or ends like an archive. Without it the
 * repository of the cluster's images decides: ours alone are made here. Throws where it is neither
 * a path nor the beginning of an image's name.
 */
export function imageSource(text: string | undefined, repository: string): ImageSource {
  if (text !== undefined && isPath(text)) return { from: "archive", path: text };
  if (text === undefined && repository === localRepository) return { from: "this machine" };
  const prefix = (text ?? repository).replace(/\/+$/, "");
  try {
    parseReference(imagesIn(prefix).tskube);
  } catch (cause) {
    const what = JSON.stringify(prefix);
    throw new Error(`${what} is no path of an archive and no place in a registry`, { cause });
  }
  return { from: "registry", prefix };
}

/** The repository in the names of a cluster's images, where `--images` names a registry. */
export const repositoryOf = (source: ImageSource, otherwise: string): string =>
  source.from === "registry" ? source.prefix : otherwise;

/** An image that is wanted: under which name it is used, and under which it can be had. */
export interface WantedImage {
  readonly part: keyof ClusterImages;
  readonly name: string;
  readonly at: string;
}

/** `parts`: all for a control plane, the programs alone for a machine that joins. */
export const wantedImages = (
  images: ClusterImages,
  source: ImageSource,
  parts: readonly (keyof ClusterImages)[],
): readonly WantedImage[] => {
  const there = source.from === "registry" ? imagesIn(source.prefix) : images;
  return parts.map((part) => ({ part, name: images[part], at: there[part] }));
};

/** For --dry-run. */
export const describeSource = (
  source: ImageSource,
  images: ClusterImages,
  parts: readonly (keyof ClusterImages)[],
): readonly string[] =>
  wantedImages(images, source, parts).map(({ name, at }) => {
    if (source.from === "this machine") return `build ${name}`;
    if (source.from === "archive") return `take ${name} from ${source.path}`;
    return name === at ? `pull ${name}` : `pull ${at} as ${name}`;
  });
