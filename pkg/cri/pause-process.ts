import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Kernel } from "../linux/kernel.ts";
import { pauseProgram } from "../oci/pause-program.ts";
import { planPause } from "./pause-plan.ts";
import type { SpecPaths } from "./spec-input.ts";
import type { Supervisor } from "./supervisor-contract.ts";

const sigkill = 9;

/** First processes of pods that share their processes. They go under their sandbox's id. */
export class PauseProcesses {
  readonly #supervisor: Supervisor;
  readonly #kernel: Kernel;
  readonly #root: string;

  constructor(supervisor: Supervisor, kernel: Kernel, root: string) {
    this.#supervisor = supervisor;
    this.#kernel = kernel;
    this.#root = root;
  }

  /** Starts it, and pins its pid namespace to the file `pin`. */
  async start(
    id: string,
    pod: { readonly cgroupParent: string; readonly paths: SpecPaths; readonly pin: string },
  ): Promise<void> {
    const program = join(this.#root, "pause");
    await mkdir(this.#root, { recursive: true, mode: 0o755 });
    await writeFile(program, pauseProgram(this.#kernel.architecture), { flag: "wx" }).catch(
      ignoreExisting,
    );
    await chmod(program, 0o555);
    const { cgroupParent, paths, pin } = pod;
    const spec = planPause({ id, root: this.#root, cgroupParent, paths });
    const stdio = { tty: false, stdin: false, stdinOnce: false };
    const { pid } = await this.#supervisor.start({ id, spec, stdio });
    await mkdir(join(pin, ".."), { recursive: true, mode: 0o711 });
    await writeFile(pin, "");
    this.#kernel.call("mount", [`/proc/${pid}/ns/pid`, pin, "", ["MS_BIND"], 0], pin);
  }

  /** Ends it, and with it whatever is left in its namespace. Succeeds when there is none. */
  async stop(id: string): Promise<void> {
    await this.#supervisor.signal(id, sigkill, false).catch(() => {
      // It has ended already.
    });
    await this.#supervisor.remove(id);
  }

  /** Sandboxes whose process runs. */
  async running(): Promise<ReadonlySet<string>> {
    return new Set((await this.#supervisor.list()).running.map(({ id }) => id));
  }
}

/** The program is busy while a pod runs it; it never changes. */
function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
}
