import { join } from "node:path";
import { wantedImages, type ImageSource } from "../../pkg/kubeadm/image-source.ts";
import { provideImages, type ImageDoors } from "../../pkg/kubeadm/provide-images.ts";
import { specDefaults, type ClusterImages } from "../../pkg/kubeadm/cluster-spec.ts";
import { openImages } from "../wiring/cri-runtime.ts";
import type { Doors } from "../wiring/doors.ts";
import { distFolder } from "./node-process.ts";
import { buildEtcdImage, buildProgramImage } from "./program-image.ts";

/** What a control plane's machine needs, and what every other one does. */
export const allParts = ["tskube", "etcd"] as const;
export const workerParts = ["tskube"] as const;

export const imagesFlag = {
  images: {
    kind: "text",
    help: "Where images come from: registry.example/tskube, an archive or a folder (made here)",
  },
} as const;

/** The store of a data folder, with what images are built of. */
export async function imageDoors(dataFolder: string, doors: Doors): Promise<ImageDoors> {
  const registriesFile = join(specDefaults.configFolder, "registries.yaml");
  const images = await openImages(dataFolder, doors, registriesFile);
  return {
    images,
    registriesFile,
    clock: doors.clock,
    build: ({ part, name }) =>
      part === "etcd"
        ? buildEtcdImage(images, name)
        : buildProgramImage(images, name, distFolder()),
  };
}

export interface ImagesWanted {
  readonly source: ImageSource;
  readonly images: ClusterImages;
  readonly parts: readonly (keyof ClusterImages)[];
  readonly dataFolder: string;
}

export async function provide(
  { source, images, parts, dataFolder }: ImagesWanted,
  doors: Doors,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const open = await imageDoors(dataFolder, doors);
  return await provideImages(source, wantedImages(images, source, parts), open, signal);
}
