import { dirname, join } from "node:path";

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
