import { chainOf } from "../../base/errors.ts";
import type { PodSet } from "../pods/pod-set.ts";
import type { PodContext } from "../worker/pod-context.ts";
import type { Machine } from "../node/machine.ts";
import { planContainerGc } from "./container-gc-plan.ts";
import { planImageGc, type KnownImage } from "./image-gc-plan.ts";

const logRoundMs = 10_000;
const containerRoundMs = 60_000;
const imageRoundMs = 300_000;

export interface HousekeepingOptions {
  readonly context: PodContext;
  readonly pods: PodSet;
  readonly machine: Machine;
}

/** What a long life leaves: large logs, dead containers, unused images. Until the signal aborts. */
export async function runHousekeeping(
  options: HousekeepingOptions,
  signal: AbortSignal,
): Promise<void> {
  const images = new ImageUse();
  await Promise.all([
    repeat(logRoundMs, "rotate logs", () => rotateLogs(options), options, signal),
    repeat(containerRoundMs, "remove dead containers", () => removeDead(options), options, signal),
    repeat(imageRoundMs, "remove unused images", () => images.collect(options), options, signal),
  ]);
}

async function repeat(
  ms: number,
  what: string,
  round: () => Promise<void>,
  { context }: HousekeepingOptions,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await context.clock.sleep(ms, signal).catch(() => undefined);
    if (signal.aborted) return;
    await round().catch((error: unknown) =>
      context.logger.warn({ what, error: chainOf(error) }, "housekeeping failed"),
    );
  }
}

async function rotateLogs({ context }: HousekeepingOptions): Promise<void> {
  const { runtime, cri, clock, files } = context;
  for (const { containers } of runtime.pods())
    for (const { id, phase, logPath } of containers) {
      if (phase !== "running" || logPath === "") continue;
      await files.rotateLog(logPath, clock.now(), () =>
        cri.reopenContainerLog({ containerId: id }),
      );
    }
}

async function removeDead({ context, pods }: HousekeepingOptions): Promise<void> {
  const { runtime, cri, clock } = context;
  for (const pod of runtime.pods()) {
    const phase = pods.worker(pod.uid)?.status?.phase;
    const { containers, sandboxes } = planContainerGc(pod, phase, clock.now());
    for (const containerId of containers) await cri.removeContainer({ containerId });
    for (const podSandboxId of sandboxes) await cri.removePodSandbox({ podSandboxId });
    if (containers.length + sandboxes.length > 0) await runtime.refresh(pod.uid);
  }
}

/** Remembers when each image was last used; the runtime does not. */
class ImageUse {
  readonly #usedAtMs = new Map<string, number>();

  async collect({ context, machine }: HousekeepingOptions): Promise<void> {
    const { cri, runtime, clock, images: puller, logger } = context;
    const nowMs = clock.now();
    const { images = [] } = await cri.listImages({});
    const used = new Set(
      runtime.pods().flatMap(({ containers }) => containers.map(({ imageRef }) => imageRef)),
    );
    const known = images.map(({ id = "", size = 0n, pinned, repoDigests = [] }): KnownImage => {
      const inUse = [id, ...repoDigests].some((name) => used.has(name));
      const usedAtMs = inUse ? nowMs : (this.#usedAtMs.get(id) ?? nowMs);
      this.#usedAtMs.set(id, usedAtMs);
      return { id, bytes: Number(size), pinned: pinned ?? false, usedAtMs, inUse };
    });
    const { diskAvailableBytes: availableBytes } = await machine.read();
    const doomed = planImageGc(known, { bytes: machine.diskBytes, availableBytes }, nowMs);
    for (const image of doomed) {
      await cri.removeImage({ image: { image } });
      this.#usedAtMs.delete(image);
      logger.info({ image }, "an unused image was removed: the disk is nearly full");
    }
    if (doomed.length > 0) puller.forgetPresent();
  }
}
