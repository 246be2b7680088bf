/**
 * What a member of a layer's archive means for the layer's folder: OCI whiteouts become overlay's,
 * paths are taken apart and judged. Pure.
 */
import type { TarEntry } from "./tar-entry.ts";

/** Components of a path below the layer's root; empty for the root itself. */
export type LayerPath = readonly string[];

export type LayerStep =
  | { readonly do: "make"; readonly path: LayerPath; readonly entry: TarEntry }
  | { readonly do: "hardlink"; readonly path: LayerPath; readonly target: LayerPath }
  /** Hides the same name in the layers below. */
  | { readonly do: "whiteout"; readonly path: LayerPath }
  /** Hides everything that the layers below have in this folder. */
  | { readonly do: "opaque"; readonly path: LayerPath }
  | { readonly do: "skip" };

export class LayerError extends Error {
  override readonly name = "LayerError";
}

const whiteoutPrefix = ".wh.";
const opaqueName = ".wh..wh..opq";
/** AUFS kept its own book-keeping under this prefix; old archives still hold it. */
const aufsPrefix = ".wh..wh.";

/** Throws LayerError on a path that no honest archive holds. */
export function planMember(entry: TarEntry): LayerStep {
  const path = layerPath(entry.path);
  const name = path.at(-1) ?? "";
  const folder = path.slice(0, -1);
  if (name === opaqueName) return { do: "opaque", path: folder };
  if (name.startsWith(aufsPrefix)) return { do: "skip" };
  if (name.startsWith(whiteoutPrefix)) {
    const hidden = name.slice(whiteoutPrefix.length);
    if (hidden === "" || hidden === "." || hidden === "..") {
      throw new LayerError(`bad whiteout ${JSON.stringify(entry.path)}`);
    }
    return { do: "whiteout", path: [...folder, hidden] };
  }
  if (path.length === 0 && entry.type !== "directory") {
    throw new LayerError("the root of a layer must be a directory");
  }
  if (entry.type === "hardlink") return { do: "hardlink", path, target: layerPath(entry.linkPath) };
  return { do: "make", path, entry };
}

/**
 * Leading "/" and "./" mean the layer's root. ".." is refused rather than resolved: what it means
 * depends on symbolic links, and only attacks need it.
 */
export function layerPath(text: string): LayerPath {
  if (text.includes("\0")) throw new LayerError("path holds a NUL byte");
  const components = text.split("/").filter((component) => component !== "" && component !== ".");
  if (components.includes("..")) throw new LayerError(`path ${JSON.stringify(text)} holds ".."`);
  return components;
}

/** Extended attributes that steer overlayfs itself must come from us alone. */
export const isForeignXattr = (name: string): boolean =>
  !name.startsWith("trusted.overlay.") && !name.startsWith("user.overlay.");
