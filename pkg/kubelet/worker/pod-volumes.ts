import type { Pod } from "../../../api/core/v1.ts";
import { chainOf } from "../../base/errors.ts";
import { tokensOf, VolumeError, type VolumeFacts } from "../volumes/projected-files.ts";
import type { PreparedVolumes } from "../volumes/pod-files.ts";
import type { PodContext } from "./pod-context.ts";

/** One pod's volumes: prepared before its first container, and again whenever they must change. */
export class PodVolumes {
  readonly #context: PodContext;
  #paths: PreparedVolumes | undefined;
  #expired = true;
  #dueAtMs: number | undefined;

  constructor(context: PodContext) {
    this.#context = context;
  }

  /** When a token must be renewed. */
  get dueAtMs(): number | undefined {
    return this.#dueAtMs;
  }

  get paths(): PreparedVolumes {
    return this.#paths ?? new Map();
  }

  /** Something that files are made of has changed. */
  expire(): void {
    this.#expired = true;
  }

  /** Whether a running pod's files must be looked at: after a restart of the kubelet, always. */
  isDue(nowMs: number): boolean {
    if (this.#paths === undefined) return true;
    return this.#expired || (this.#dueAtMs !== undefined && this.#dueAtMs <= nowMs);
  }

  /** Makes all volumes be there and current. Tells people what failed, and rejects with it. */
  async prepare(pod: Pod, signal: AbortSignal): Promise<void> {
    if (!this.isDue(this.#context.clock.now())) return;
    const { objects, files } = this.#context;
    this.#expired = false;
    try {
      const [tokens] = await Promise.all([this.#tokens(pod), objects.follow(pod, signal)]);
      this.#paths = await files.prepare(pod, this.#facts(pod, tokens));
    } catch (cause) {
      this.#expired = true;
      if (signal.aborted) throw cause;
      this.#context.note(pod, "Warning", "FailedMount", chainOf(cause));
      throw cause;
    }
  }

  async #tokens(pod: Pod): Promise<ReadonlyMap<string, string>> {
    const { objects } = this.#context;
    const tokens = new Map<string, string>();
    let dueAtMs: number | undefined;
    for (const volume of pod.spec.volumes ?? [])
      for (const projection of tokensOf(volume)) {
        const { token, renewAtMs } = await objects
          .token(pod, projection)
          .catch((cause: unknown) => {
            throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}"`, {
              cause,
            });
          });
        tokens.set(JSON.stringify(projection), token);
        dueAtMs = Math.min(dueAtMs ?? renewAtMs, renewAtMs);
      }
    this.#dueAtMs = dueAtMs;
    return tokens;
  }

  #facts(pod: Pod, tokens: ReadonlyMap<string, string>): VolumeFacts {
    const { objects, settings } = this.#context;
    return {
      pod,
      podIPs: [],
      nodeName: settings.nodeName,
      nodeIPs: settings.nodeIPs,
      allocatable: this.#context.allocatable(),
      configMap: (name) => objects.configMap(pod, name),
      secret: (name) => objects.secret(pod, name),
      token: (projection) => tokens.get(JSON.stringify(projection)) ?? "",
    };
  }
}
