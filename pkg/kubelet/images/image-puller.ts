import type { Container, Pod, Secret } from "../../../api/core/v1.ts";
import type { CriService, Image, PodSandboxConfig } from "../../../api/cri/v1.ts";
import type { Clock } from "../../base/clock.ts";
import { chainOf } from "../../base/errors.ts";
import { backOffUntilMs, nextBackOff, pullBackOff, type BackOff } from "../worker/back-off.ts";
import { parseImageName, pullPolicyOf, withDefaultTag } from "./image-name.ts";
import { pullCredentials } from "./pull-credentials.ts";

/** Why a container cannot have its image, as its status shows it. */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly reason:
    | "ErrImagePull"
    | "ImagePullBackOff"
    | "ErrImageNeverPull"
    | "InvalidImageName"
    | "ImageInspectError";
  /** When it is worth trying again. */
  readonly retryAtMs: number;
  constructor(reason: ImageError["reason"], message: string, retryAtMs: number) {
    super(message);
    this.reason = reason;
    this.retryAtMs = retryAtMs;
  }
}

export interface PullRequest {
  readonly pod: Pod;
  readonly container: Container;
  /** What imagePullSecrets name. */
  readonly secrets: readonly Secret[];
  readonly sandboxConfig: PodSandboxConfig;
  readonly note: (type: "Normal" | "Warning", reason: string, message: string) => void;
}

export interface PulledImage {
  /** What containers are made of. */
  readonly ref: string;
  /** The user that the image runs as: a number, a name, or neither. */
  readonly uid?: number;
  readonly username?: string;
}

/** An image that is wanted and not there may be brought by other means: look again soon. */
const inspectAgainMs = 10_000;

/**
 * Makes sure that images are there. What is known to be there is not asked for again; pulls of one
 * image with the same credentials are one pull.
 */
export class ImagePuller {
  readonly #cri: CriService;
  readonly #clock: Clock;
  readonly #present = new Map<string, PulledImage>();
  readonly #pulling = new Map<string, Promise<string>>();
  /** By pod and image. */
  readonly #backOffs = new Map<string, { backOff: BackOff; failedAtMs: number; message: string }>();

  constructor(cri: CriService, clock: Clock) {
    this.#cri = cri;
    this.#clock = clock;
  }

  /** Images were removed, or a container could not be made of one. */
  forgetPresent(): void {
    this.#present.clear();
  }

  /** A pod has gone. */
  forgetPod(uid: string): void {
    for (const key of this.#backOffs.keys())
      if (key.startsWith(`${uid} `)) this.#backOffs.delete(key);
  }

  /** Rejects with ImageError, or with the signal's reason. */
  async ensure(request: PullRequest, signal: AbortSignal): Promise<PulledImage> {
    const named = request.container.image ?? "";
    const { note } = request;
    if (parseImageName(named) === undefined) {
      const message = `couldn't parse image name "${named}": invalid reference format`;
      note("Warning", "InspectFailed", `Failed to apply default image tag "${named}": ${message}`);
      throw new ImageError("InvalidImageName", message, this.#clock.now() + inspectAgainMs);
    }
    const image = withDefaultTag(named);
    const policy = pullPolicyOf(named, request.container.imagePullPolicy);
    const present = policy === "Always" ? undefined : await this.#find(image, note);
    if (present !== undefined) {
      note("Normal", "Pulled", `Container image "${named}" already present on machine`);
      return present;
    }
    if (policy === "Never") {
      const message = `Container image "${named}" is not present with pull policy of Never`;
      note("Warning", "ErrImageNeverPull", message);
      throw new ImageError("ErrImageNeverPull", message, this.#clock.now() + inspectAgainMs);
    }
    return this.#pull(image, named, request, signal);
  }

  async #find(image: string, note: PullRequest["note"]): Promise<PulledImage | undefined> {
    const known = this.#present.get(image);
    if (known !== undefined) return known;
    try {
      const { image: found } = await this.#cri.imageStatus({ image: { image } });
      if (found?.id === undefined || found.id === "") return undefined;
      return this.#remember(image, found);
    } catch (error) {
      const message = `Failed to inspect image "${image}": ${chainOf(error)}`;
      note("Warning", "InspectFailed", message);
      throw new ImageError("ImageInspectError", message, this.#clock.now() + inspectAgainMs);
    }
  }

  #remember(image: string, found: Image): PulledImage {
    const { uid, username } = found;
    const pulled: PulledImage = {
      ref: found.id ?? image,
      ...(uid === undefined ? {} : { uid: Number(uid.value ?? 0n) }),
      ...(username === undefined || username === "" ? {} : { username }),
    };
    this.#present.set(image, pulled);
    return pulled;
  }

  async #pull(
    image: string,
    named: string,
    request: PullRequest,
    signal: AbortSignal,
  ): Promise<PulledImage> {
    const { note, pod } = request;
    const key = `${pod.metadata?.uid ?? ""} ${image}`;
    const failed = this.#backOffs.get(key);
    const untilMs = backOffUntilMs(failed?.backOff, failed?.failedAtMs ?? 0, pullBackOff);
    if (failed !== undefined && untilMs > this.#clock.now()) {
      note("Normal", "BackOff", `Back-off pulling image "${named}"`);
      const message = `Back-off pulling image "${named}": ErrImagePull: ${failed.message}`;
      throw new ImageError("ImagePullBackOff", message, untilMs);
    }
    note("Normal", "Pulling", `Pulling image "${named}"`);
    const startMs = this.#clock.monotonic();
    try {
      const ref = await this.#pullOnce(image, request, signal);
      this.#backOffs.delete(key);
      const { image: found } = await this.#cri.imageStatus({ image: { image } }, signal);
      const took = ((this.#clock.monotonic() - startMs) / 1000).toFixed(3);
      const size = `Image size: ${String(found?.size ?? 0n)} bytes.`;
      const time = `${took}s (${took}s including waiting)`;
      const text = `Successfully pulled image "${named}" in ${time}. ${size}`;
      note("Normal", "Pulled", text);
      return found === undefined ? { ref } : this.#remember(image, found);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const message = chainOf(error);
      const nowMs = this.#clock.now();
      const backOff = nextBackOff(failed?.backOff, nowMs, pullBackOff);
      this.#backOffs.set(key, { backOff, failedAtMs: nowMs, message });
      note("Warning", "Failed", `Failed to pull image "${named}": ${message}`);
      throw new ImageError("ErrImagePull", message, nowMs);
    }
  }

  /** Tries the pod's credentials in turn; several pods that want the same pull share it. */
  async #pullOnce(image: string, request: PullRequest, signal: AbortSignal): Promise<string> {
    const credentials = pullCredentials(image, request.secrets);
    const key = JSON.stringify([image, credentials]);
    const running = this.#pulling.get(key);
    if (running !== undefined) return withSignal(running, signal);
    const pull = this.#tryCredentials(image, credentials, request).finally(() =>
      this.#pulling.delete(key),
    );
    this.#pulling.set(key, pull);
    return withSignal(pull, signal);
  }

  async #tryCredentials(
    image: string,
    credentials: ReturnType<typeof pullCredentials>,
    { sandboxConfig }: PullRequest,
  ): Promise<string> {
    let last: unknown;
    for (const auth of credentials.length === 0 ? [undefined] : credentials) {
      try {
        const { imageRef = image } = await this.#cri.pullImage({
          image: { image },
          sandboxConfig,
          ...(auth === undefined ? {} : { auth }),
        });
        return imageRef;
      } catch (error) {
        last = error;
      }
    }
    throw last;
  }
}

/** The pull goes on when one that waited for it goes: others may wait too. */
function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  return Promise.race([promise, aborted]).finally(() =>
    signal.removeEventListener("abort", onAbort),
  );
}
