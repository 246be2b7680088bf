import { mediaTypes } from "../../api/oci/image.ts";

export const isIndexType = (type: string): boolean =>
  type === mediaTypes.index || type === mediaTypes.dockerManifestList;

export const isManifestType = (type: string): boolean =>
  type === mediaTypes.manifest || type === mediaTypes.dockerManifest;

/** What a registry is asked for. */
export const acceptedManifests: string = [
  mediaTypes.index,
  mediaTypes.manifest,
  mediaTypes.dockerManifestList,
  mediaTypes.dockerManifest,
].join(", ");
