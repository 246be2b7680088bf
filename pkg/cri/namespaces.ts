import { closeSync } from "node:fs";
import { mkdir, readdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Kernel } from "../linux/kernel.ts";
import { planNamespaces, type NamespacesPlan, type PinnedKind } from "./namespaces-plan.ts";

/** Magic of the file system that namespace files are of (include/uapi/linux/magic.h). */
const nsfsMagic = 0x6e736673;

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
    setup: Pick<NamespacesPlan, "hostname" | "sysctls">,
  ): Promise<void> {
    if (kinds.length === 0) return;
    await mkdir(join(this.#folder, id), { recursive: true, mode: 0o711 });
    for (const kind of kinds) await writeFile(this.path(id, kind), "");
    const pins = Object.fromEntries(kinds.map((kind) => [kind, this.path(id, kind)]));
    const child = this.#kernel.spawn(
      { namespaces: [...kinds] },
      planNamespaces({ ...setup, pins }),
    );
    // It has ended already: the parent stood still until then.
    this.#kernel.call("waitid", [["P_PIDFD"], child.pidfd, 0, ["WEXITED"], 0]);
    closeSync(child.pidfd);
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
