import type { RuntimeContainer, RuntimePod } from "../runtime/runtime-pod.ts";
import type { PodContext } from "./pod-context.ts";

/** What containers left behind when they ended, read once each. */
export class LastWords {
  readonly #context: PodContext;
  readonly #messages = new Map<string, string>();

  constructor(context: PodContext) {
    this.#context = context;
  }

  /** By container id. */
  get messages(): ReadonlyMap<string, string> {
    return this.#messages;
  }

  async read(runtime: RuntimePod): Promise<void> {
    for (const container of runtime.containers) {
      if (container.phase !== "exited" || this.#messages.has(container.id)) continue;
      this.#messages.set(container.id, await this.#of(runtime.uid, container));
    }
    for (const id of this.#messages.keys())
      if (!runtime.containers.some((container) => container.id === id)) this.#messages.delete(id);
  }

  async #of(uid: string, container: RuntimeContainer): Promise<string> {
    const { files } = this.#context;
    const { name, restartCount } = container;
    const message = await files.terminationMessage(uid, name, restartCount).catch(() => "");
    const wantsLogs = container.terminationMessagePolicy === "FallbackToLogsOnError";
    if (message !== "" || !wantsLogs || container.exitCode === 0) return message;
    return files.lastLogLines(container.logPath).catch(() => "");
  }
}
