import { dirname, join } from "node:path";
import { isSea } from "node:sea";

/**
 * How to start another program of ours, beside this one: from source when we run from source, out
 * of the same folder when we were built.
 */
export function siblingProgram(name: string): readonly [program: string, ...args: string[]] {
  const own = process.argv[1] ?? "";
  const main = own.endsWith(".mjs")
    ? join(dirname(own), `${name}.mjs`)
    : join(dirname(own), "..", name, "main.ts");
  return [process.execPath, ...process.execArgv, main];
}

/** How to start this very program again, with another command: also as a single executable. */
export const ownProgram = (
  command: string,
  main: string = process.argv[1] ?? "",
): readonly [program: string, ...args: string[]] =>
  isSea() ? [process.execPath, command] : [process.execPath, ...process.execArgv, main, command];
