import { watch, type FSWatcher } from "node:fs";

/**
 * Turns the kernel's notices of folders into a signal for whoever sleeps until something changes
 * there. A notice only says when to look: where no more watches are to be had (inotify(7), limits
 * of a user) or the folder is not there yet, none comes, and whoever sleeps looks at its own times.
 */
export class FolderNotices implements Disposable {
  readonly #watchers: readonly FSWatcher[];
  #next = new AbortController();

  constructor(folders: readonly string[], open: typeof watch = watch) {
    const note = (): void => this.#next.abort();
    this.#watchers = folders.flatMap((folder) => {
      try {
        return [open(folder, { persistent: false }, note).on("error", note)];
      } catch {
        return [];
      }
    });
  }

  /** Aborts at the first notice since the last call. */
  next(): AbortSignal {
    const { signal } = this.#next;
    if (!signal.aborted) return signal;
    this.#next = new AbortController();
    return signal;
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers) watcher.close();
  }
}
