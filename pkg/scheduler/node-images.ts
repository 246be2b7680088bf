import type { Node } from "../../api/core/v1.ts";

/** As the runtime names images: "busybox" is "busybox:latest". */
export const imageName = (name: string): string =>
  name.lastIndexOf(":") <= name.lastIndexOf("/") ? `${name}:latest` : name;

const none: ReadonlyMap<string, number> = new Map();

/** What is there already: bytes by each name of each image. */
export function imageNamesOf({ status }: Node): ReadonlyMap<string, number> {
  const images = status?.images ?? [];
  if (images.length === 0) return none;
  return new Map(
    images.flatMap(({ names = [], sizeBytes = 0 }) =>
      names.map((name) => [name, Number(sizeBytes)] as const),
    ),
  );
}

/** Bytes of each image on each node that has it. */
export class ImageIndex {
  readonly #images = new Map<string, Map<string, number>>();

  get(image: string): ReadonlyMap<string, number> | undefined {
    return this.#images.get(image);
  }

  /** Empty maps for a node that is new or gone. */
  change(
    node: string,
    before: ReadonlyMap<string, number>,
    now: ReadonlyMap<string, number>,
  ): void {
    for (const image of before.keys()) {
      if (now.has(image)) continue;
      const nodes = this.#images.get(image);
      nodes?.delete(node);
      if (nodes?.size === 0) this.#images.delete(image);
    }
    for (const [image, bytes] of now) {
      const nodes = this.#images.get(image) ?? new Map<string, number>();
      this.#images.set(image, nodes.set(node, bytes));
    }
  }
}
