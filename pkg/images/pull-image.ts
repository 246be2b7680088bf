import { chainOf } from "../base/errors.ts";
import type { Digest } from "./digest.ts";
import type { Images, PullOptions, PullProgress, StoredImage } from "./images.ts";
import {
  parseImageConfig,
  parseManifest,
  selectPlatform,
  type Descriptor,
  type ImageConfig,
  type Manifest,
} from "./manifest.ts";
import { formatReference, parseReference, repositoryOf, type Reference } from "./reference.ts";
import { RegistryClient, RegistryError, type FetchedManifest } from "./registry-client.ts";
import { endpointsOf } from "./registry-plan.ts";

/** Docker's and containerd's default. */
const layersInParallelMax = 3;

/**
 * No endpoint had the image, or let us have it. `isMissing`: all of them said that it is not there.
 */
export class PullError extends Error {
  override readonly name = "PullError";
  readonly isMissing: boolean;
  constructor(message: string, isMissing: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isMissing = isMissing;
  }
}

/**
 * Pulls an image from the first endpoint that has it (mirrors, then the registry itself), unpacks
 * it, and names it by tag and by digest. Blobs and layers that are here already are not fetched.
 */
export async function pullImage(
  images: Images,
  name: string,
  options: PullOptions = {},
  signal?: AbortSignal,
): Promise<StoredImage> {
  const reference = parseReference(name);
  const failures: unknown[] = [];
  for (const endpoint of endpointsOf(reference, images.registries)) {
    const client = new RegistryClient({
      endpoint,
      repository: reference.path,
      transport: images.options.transport,
      clock: images.options.clock,
      ...(options.login === undefined ? {} : { login: options.login }),
    });
    try {
      const pull = { images, client, reference, options, signal };
      return await images.whileBusy(async () => await pullFrom(pull));
    } catch (error) {
      signal?.throwIfAborted();
      failures.push(error);
    }
  }
  const isMissing = failures.every((e) => e instanceof RegistryError && e.status === 404);
  // Earlier failures are of mirrors, which may well be absent; the registry's own comes last.
  const message = `failed to pull and unpack image "${formatReference(reference)}"`;
  const mirrors = failures.slice(0, -1).map((failure) => `; mirror: ${chainOf(failure)}`);
  throw new PullError(`${message}${mirrors.join("")}`, isMissing, { cause: failures.at(-1) });
}

interface Pull {
  readonly images: Images;
  readonly client: RegistryClient;
  readonly reference: Reference;
  readonly options: PullOptions;
  readonly signal: AbortSignal | undefined;
}

async function pullFrom(pull: Pull): Promise<StoredImage> {
  const { images, client, reference, signal } = pull;
  const top = await client.manifest(reference.digest ?? reference.tag ?? "latest", signal);
  await images.content.add(top.bytes);
  const { digest, manifest } = await resolvePlatform(pull, top);
  const config = await fetchConfig(pull, manifest.config);
  if (config.diffIds.length !== manifest.layers.length) {
    throw new Error(`image has ${manifest.layers.length} layers and ${config.diffIds.length} ids`);
  }
  await fetchLayers(pull, manifest, config);
  const byDigest = `${repositoryOf(reference)}@${top.digest}`;
  const names =
    reference.digest === undefined ? [formatReference(reference), byDigest] : [byDigest];
  const image = { target: top.digest, manifest: digest, config: manifest.config.digest };
  return await images.record(names, image);
}

async function resolvePlatform(
  { images, client, signal }: Pull,
  top: FetchedManifest,
): Promise<{ readonly digest: Digest; readonly manifest: Manifest }> {
  let fetched = top;
  let parsed = parseManifest(top.bytes, top.mediaType);
  if (parsed.is === "index") {
    const { digest, mediaType } = selectPlatform(parsed, images.options.platform);
    fetched = await client.manifest(digest, signal);
    await images.content.add(fetched.bytes);
    parsed = parseManifest(fetched.bytes, mediaType);
  }
  if (parsed.is === "index") throw new Error(`index ${fetched.digest} within an index`);
  return { digest: fetched.digest, manifest: parsed };
}

async function fetchConfig(pull: Pull, descriptor: Descriptor): Promise<ImageConfig> {
  await fetchBlob(pull, descriptor, () => {});
  return parseImageConfig(await pull.images.content.read(descriptor.digest));
}

async function fetchBlob(
  { images, client, signal }: Pull,
  { digest, size }: Descriptor,
  onBytes: (done: number) => void,
): Promise<void> {
  await images.content.ensure(
    { digest, size },
    async (ingest) => await client.blob(digest, ingest, onBytes, signal),
  );
}

/** A few layers at a time, each unpacked as soon as it is here. */
async function fetchLayers(pull: Pull, manifest: Manifest, config: ImageConfig): Promise<void> {
  const left = manifest.layers.map((layer, index) => ({ layer, diffId: config.diffIds[index] }));
  const failure = new AbortController();
  const signal =
    pull.signal === undefined ? failure.signal : AbortSignal.any([pull.signal, failure.signal]);
  const worker = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      if (next.diffId !== undefined) await fetchLayer({ ...pull, signal }, next.layer, next.diffId);
    }
  };
  const workers = Array.from({ length: layersInParallelMax }, async () => {
    try {
      await worker();
    } catch (error) {
      failure.abort(error);
      throw error;
    }
  });
  // All must have stopped before the caller cleans up.
  const results = await Promise.allSettled(workers);
  const failed = results.find((result) => result.status === "rejected");
  if (failed !== undefined) throw failure.signal.reason ?? failed.reason;
}

async function fetchLayer(pull: Pull, layer: Descriptor, diffId: Digest): Promise<void> {
  const { images, options, signal } = pull;
  const tell = (at: PullProgress["at"], doneBytes: number): void =>
    options.onProgress?.({ digest: layer.digest, at, doneBytes, totalBytes: layer.size });
  tell("waiting", 0);
  await fetchBlob(pull, layer, (done) => tell("downloading", done));
  tell("unpacking", layer.size);
  await images.layers.ensure(diffId, () => images.content.stream(layer.digest), signal);
  tell("done", layer.size);
}
