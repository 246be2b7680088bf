import { createHash, type Hash } from "node:crypto";
import { Readable } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { digestAlgorithm, type Digest } from "./digest.ts";
import { LayerFolder } from "./layer-folder.ts";
import type { LayerKernel } from "./layer-kernel.ts";
import { LayerError, planMember } from "./layer-plan.ts";
import { TarParser, type TarEvent } from "./tar-parser.ts";

/** Bounds on one layer: a few kilobytes of gzip can claim petabytes. */
export const layerLimits = {
  unpackedBytesMax: 64 * 1024 ** 3,
  membersMax: 4_000_000,
} as const;

export type Compression = "none" | "gzip" | "zstd";

/** By the first bytes, since media types are often wrong. */
export function compressionOf(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return "gzip";
  if (start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd)
    return "zstd";
  return "none";
}

/** The tar within, whichever way it is compressed. */
export async function* decompress(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  const iterator = source[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (first.done === true) return;
  const whole = startingWith(first.value, iterator);
  const compression = compressionOf(first.value);
  if (compression === "none") return yield* whole;
  const options = { chunkSize: 256 * 1024 };
  const inflate = compression === "gzip" ? createGunzip(options) : createZstdDecompress(options);
  const input = Readable.from(whole, { objectMode: true });
  // Readable.pipe does not carry errors over; the consumer must see those of both.
  input.on("error", (error) => inflate.destroy(error));
  for await (const chunk of input.pipe(inflate)) yield chunk as Uint8Array;
}

async function* startingWith(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield first;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      yield next.value;
    }
  } finally {
    await rest.return?.();
  }
}

/** An archive that becomes an empty folder, the lower one of an overlay, as its bytes come. */
export class LayerUnpacker implements Disposable {
  readonly #folder: LayerFolder;
  readonly #parser = new TarParser();
  readonly #totals = { bytes: 0, members: 0 };
  readonly #algorithm: string;
  readonly #hash: Hash;

  constructor(path: string, kernel: LayerKernel, algorithm = "sha256") {
    this.#folder = new LayerFolder(path, kernel);
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  push(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    for (const event of this.#parser.push(chunk)) {
      count(event, this.#totals);
      apply(event, this.#folder);
    }
  }

  /** When the archive is over; answers its digest. */
  finish(): Digest {
    this.#parser.end();
    this.#folder.finish();
    return `${this.#algorithm}:${this.#hash.digest("hex")}` as Digest;
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]();
  }
}

/**
 * Unpacks a layer's archive into an empty folder, and checks that the uncompressed bytes have the
 * digest that the image's configuration promised.
 */
export async function unpackLayer(
  source: AsyncIterable<Uint8Array>,
  into: { readonly folder: string; readonly kernel: LayerKernel; readonly diffId?: Digest },
  signal?: AbortSignal,
): Promise<void> {
  const { folder, kernel, diffId } = into;
  const algorithm = diffId === undefined ? undefined : digestAlgorithm(diffId);
  using unpacker = new LayerUnpacker(folder, kernel, algorithm);
  for await (const chunk of decompress(source)) {
    signal?.throwIfAborted();
    unpacker.push(chunk);
  }
  const got = unpacker.finish();
  if (diffId !== undefined && got !== diffId)
    throw new LayerError(`layer is ${got}, not ${diffId}`);
}

function count(event: TarEvent, totals: { bytes: number; members: number }): void {
  if (event.is === "entry") totals.members++;
  if (event.is === "data") totals.bytes += event.bytes.length;
  if (totals.bytes > layerLimits.unpackedBytesMax) throw new LayerError("layer is too large");
  if (totals.members > layerLimits.membersMax) throw new LayerError("layer has too many members");
}

function apply(event: TarEvent, folder: LayerFolder): void {
  if (event.is === "data") return folder.data(event.offset, event.bytes);
  if (event.is === "end") return folder.endMember();
  const step = planMember(event.entry);
  if (step.do === "make") folder.make(step.path, step.entry);
  if (step.do === "hardlink") folder.hardlink(step.path, step.target);
  if (step.do === "whiteout") folder.whiteout(step.path);
  if (step.do === "opaque") folder.opaque(step.path);
}
