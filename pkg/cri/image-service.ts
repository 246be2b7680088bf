/** CRI's ImageService, over the image store. */
import type {
  AuthConfig,
  CriService,
  Image,
  ImageFsInfoResponse,
  ImageSpec,
} from "../../api/cri/v1.ts";
import { chainOf } from "../base/errors.ts";
import type { StoredImage } from "../images/images.ts";
import { pullImage, PullError } from "../images/pull-image.ts";
import { InvalidReference } from "../images/reference.ts";
import type { RegistryLogin } from "../images/registry-plan.ts";
import type { CriContext } from "./context.ts";
import { CriError, invalid, required } from "./cri-error.ts";
import { nanoseconds, verboseInfo } from "./listing-plan.ts";

export type ImageService = Pick<
  CriService,
  "listImages" | "streamImages" | "imageStatus" | "pullImage" | "removeImage" | "imageFsInfo"
>;

/** Images of a stream's one message; a gRPC message has a limit. */
const streamedAtOnce = 500;

export function createImageService(context: CriContext): ImageService {
  const { images } = context;
  const list = (spec: ImageSpec | undefined): readonly Image[] => {
    if (!spec?.image) return images.list().map(wireImage);
    const found = findImage(context, spec.image);
    return found === undefined ? [] : [wireImage(found)];
  };
  return {
    listImages: async ({ filter }) => ({ images: list(filter?.image) }),
    streamImages: async function* ({ filter }) {
      const all = list(filter?.image);
      for (let at = 0; at < all.length; at += streamedAtOnce) {
        yield { images: all.slice(at, at + streamedAtOnce) };
      }
    },
    imageStatus: async ({ image, verbose }) => {
      const found = findImage(context, required(image?.image, "image"));
      if (found === undefined) return {};
      const info = { chainID: found.manifest, imageSpec: found.config };
      return { image: wireImage(found), ...(verbose === true ? { info: verboseInfo(info) } : {}) };
    },
    pullImage: async ({ image, auth }, signal) => {
      const name = required(image?.image, "image");
      const pulled = await pull(context, name, auth, signal);
      // The one name that an image has whatever it is called, as its status says it.
      return { imageRef: pulled.id };
    },
    removeImage: async ({ image }) => {
      const found = findImage(context, required(image?.image, "image"));
      if (found !== undefined) await images.remove(found.id);
      return {};
    },
    imageFsInfo: async () => await fsInfo(context),
  };
}

/** Throws INVALID_ARGUMENT on a text that is no reference. */
export function findImage(
  { images }: Pick<CriContext, "images">,
  name: string,
): StoredImage | undefined {
  try {
    return images.get(name);
  } catch (error) {
    if (error instanceof InvalidReference) throw invalid(error.message);
    throw error;
  }
}

async function pull(
  context: CriContext,
  name: string,
  auth: AuthConfig | undefined,
  signal: AbortSignal | undefined,
): Promise<StoredImage> {
  const { images, logger, clock } = context;
  const begun = clock.monotonic();
  try {
    const pulled = await pullImage(images, name, { login: loginOf(auth) }, signal);
    const tookMs = Math.round(clock.monotonic() - begun);
    logger.info({ image: name, id: pulled.id, bytes: pulled.sizeBytes, tookMs }, "pulled");
    return pulled;
  } catch (cause) {
    if (cause instanceof InvalidReference) throw invalid(cause.message);
    if (cause instanceof PullError) {
      const reason = cause.isMissing ? "NOT_FOUND" : "UNAVAILABLE";
      throw new CriError(reason, chainOf(cause));
    }
    throw cause;
  }
}

const loginOf = (auth: AuthConfig = {}): RegistryLogin => ({
  ...(auth.username ? { username: auth.username } : {}),
  ...(auth.password ? { password: auth.password } : {}),
  ...(auth.auth ? { auth: auth.auth } : {}),
  ...(auth.identityToken ? { identityToken: auth.identityToken } : {}),
  ...(auth.registryToken ? { registryToken: auth.registryToken } : {}),
});

/** A user that is a number is told as one, so that the kubelet can verify "not root". */
export function wireImage(image: StoredImage): Image {
  const [user = ""] = image.config.config.user.split(":");
  const isNumber = /^[0-9]+$/.test(user);
  return {
    id: image.id,
    repoTags: image.tags,
    repoDigests: image.digests,
    size: BigInt(image.sizeBytes),
    ...(isNumber ? { uid: { value: BigInt(user) } } : {}),
    ...(isNumber || user === "" ? {} : { username: user }),
    spec: { image: image.id },
  };
}

async function fsInfo({ images, clock }: CriContext): Promise<ImageFsInfoResponse> {
  const { bytes, inodes } = await images.usage();
  const usage = {
    timestamp: nanoseconds(clock.now()),
    fsId: { mountpoint: images.root },
    usedBytes: { value: BigInt(bytes) },
    inodesUsed: { value: BigInt(inodes) },
  };
  // Containers' own layers lie in the same place.
  return { imageFilesystems: [usage], containerFilesystems: [usage] };
}
