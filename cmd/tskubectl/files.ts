import { readdir, readFile, stat } from "node:fs/promises";
import { text } from "node:stream/consumers";
import type { Files } from "../../pkg/kubectl/command.ts";
import { UsageError } from "../../pkg/base/flags.ts";

const missing = (path: string): UsageError => new UsageError(`the path "${path}" does not exist`);

/** The real disk and standard input. */
export const systemFiles: Files = {
  readText: (path) =>
    readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
      throw cause.code === "ENOENT" ? missing(path) : new Error(`read ${path}`, { cause });
    }),
  list: async (path) => {
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) throw missing(path);
    return found.isDirectory() ? readdir(path) : undefined;
  },
  stdin: () => text(process.stdin),
  // What could not be read is told by whoever wanted it.
  readBytes: (path) => readFile(path),
};
