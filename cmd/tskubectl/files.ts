import { readdirSync, readFileSync, statSync } from "node:fs";
import type { Files } from "../../pkg/kubectl/command.ts";
import { UsageError } from "../../pkg/base/flags.ts";

const missing = (path: string): UsageError => new UsageError(`the path "${path}" does not exist`);

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const isMissing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw isMissing ? missing(path) : new Error(`read ${path}`, { cause });
  }
}

/**
 * The real disk and standard input. Nothing else goes on while a command reads its files, so they
 * are read without node:fs/promises, which would have to be loaded first.
 */
export const systemFiles: Files = {
  readText: async (path) => readText(path),
  list: async (path) => {
    const found = statSync(path, { throwIfNoEntry: false });
    if (found === undefined) throw missing(path);
    return found.isDirectory() ? readdirSync(path) : undefined;
  },
  stdin: async () => (await import("node:stream/consumers")).text(process.stdin),
  // What could not be read is told by whoever wanted it.
  readBytes: async (path) => readFileSync(path),
};
