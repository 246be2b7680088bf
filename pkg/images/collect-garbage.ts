import type { ContentStore } from "./content-store.ts";
import { digestHex, type Digest } from "./digest.ts";
import type { LayerStore } from "./layer-store.ts";

export interface Marked {
  readonly content: ContentStore;
  readonly layers: LayerStore;
  readonly usedBlobs: readonly Digest[];
  readonly usedLayers: readonly Digest[];
}

/** Removes every blob and layer that is not marked. */
export async function collectGarbage(marked: Marked): Promise<void> {
  const blobs = new Set(marked.usedBlobs);
  for (const digest of await marked.content.list()) {
    if (!blobs.has(digest)) await marked.content.remove(digest);
  }
  const layers = new Set(marked.usedLayers.map(digestHex));
  for (const hex of await marked.layers.list()) {
    if (!layers.has(hex)) await marked.layers.remove(hex);
  }
}
