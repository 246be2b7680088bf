import { closeSync } from "node:fs";
import { mkdir, readdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Kernel } from "../linux/kernel.ts";
import type { Syscall } from "../linux/syscall.ts";
import { signalProcess } from "../linux/process.ts";
import { pauseProgram } from "../oci/pause-program.ts";
import {
  planHelper,
  planNamespaces,
  planOwnedSetup,
  planPins,
  type NamespacesPlan,
  type PinnedKind,
} from "./namespaces-plan.ts";
import { mapLine, type PodIds } from "./user-namespace-plan.ts";

/** Magic of the file system that namespace files are of (include/uapi/linux/magic.h). */
const nsfsMagic = 0x6e736673;
const sigkill = 9;

/** Makes and forgets the namespaces of pods: <folder>/<sandbox id>/{network,ipc,uts}. */
export class Namespaces {
  readonly #folder: string;
  readonly #kernel: Kernel;

  constructor(folder: string, kernel: Kernel) {
    this.#folder = folder;
    this.#kernel = kernel;
  }

  path(id: string, kind: PinnedKind): string {
    return join(this.#folder, id, kind);
  }

  /** Makes the namespaces of `kinds`, sets them up and pins them. */
  async make(
    id: string,
    kinds: readonly PinnedKind[],
    setup: Pick<NamespacesPlan, "hostname" | "sysctls"> & { readonly ids?: PodIds },
  ): Promise<void> {
    if (kinds.length === 0) return;
    await mkdir(join(this.#folder, id), { recursive: true, mode: 0o711 });
    for (const kind of kinds) await writeFile(this.path(id, kind), "");
    const pins = Object.fromEntries(kinds.map((kind) => [kind, this.path(id, kind)]));
    const plan = { ...setup, pins };
    if (setup.ids === undefined) this.#run(kinds, planNamespaces(plan));
    else {
      await this.#pinOwned(kinds, pins, setup.ids);
      this.#run([], planOwnedSetup(plan, setup.ids.gids.size));
    }
  }

  #run(kinds: readonly PinnedKind[], steps: readonly Syscall[]): void {
    // It has ended already: the parent stands still until then.
    this.#collect(this.#kernel.spawn({ namespaces: kinds }, steps).pidfd);
  }

  #collect(pidfd: number): void {
    this.#kernel.call("waitid", [["P_PIDFD"], pidfd, 0, ["WEXITED"], 0]);
    closeSync(pidfd);
  }

  /** The ids can be mapped only from outside, while somebody lives in the user namespace. */
  async #pinOwned(
    kinds: readonly PinnedKind[],
    pins: NamespacesPlan["pins"],
    { uids, gids }: PodIds,
  ): Promise<void> {
    const program = pauseProgram(this.#kernel.architecture);
    const { pid, pidfd } = this.#kernel.spawn({ namespaces: kinds }, planHelper(program));
    try {
      await writeFile(`/proc/${pid}/uid_map`, mapLine(uids));
      await writeFile(`/proc/${pid}/gid_map`, mapLine(gids));
      this.#kernel.play(planPins(pid, pins));
    } finally {
      signalProcess(this.#kernel, pidfd, sigkill);
      this.#collect(pidfd);
    }
  }

  /** Whether all are pinned; not so after the machine was started anew. */
  async has(id: string, kinds: readonly PinnedKind[]): Promise<boolean> {
    for (const kind of kinds) {
      const found = await statfs(this.path(id, kind)).catch(() => undefined);
      if (found?.type !== nsfsMagic) return false;
    }
    return true;
  }

  /** Lets go of them; succeeds when there are none. */
  async remove(id: string): Promise<void> {
    const folder = join(this.#folder, id);
    for (const kind of await readdir(folder).catch(() => [])) {
      this.unmount(join(folder, kind));
    }
    await rm(folder, { recursive: true, force: true });
  }

  /** Unmounts if something is mounted there. */
  unmount(path: string): void {
    this.#kernel.play([
      {
        call: "umount2",
        args: [path, ["MNT_DETACH"]],
        because: "it may be in use by what is just ending",
        may: ["EINVAL", "ENOENT"],
      },
    ]);
  }
}
