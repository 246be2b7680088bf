import { chainOf } from "../../pkg/base/errors.ts";
import {
  describeFlags,
  parseFlags,
  UsageError,
  type FlagSpecs,
  type Parsed,
} from "../../pkg/base/flags.ts";

export interface ProgramText {
  readonly name: string;
  /** One or two sentences for --help. */
  readonly about: string;
}

const helpFlag = { help: { short: "h", kind: "bool", help: "This text" } } as const;

/**
 * A program's frame: flags in, one signal to stop, one line and exit code 1 when it fails (2 when
 * the command line is wrong). The second SIGINT or SIGTERM ends it at once.
 */
export async function runProgram<S extends FlagSpecs>(
  { name, about }: ProgramText,
  specs: S,
  run: (parsed: Parsed<S>, signal: AbortSignal) => Promise<void>,
  words: readonly string[] = process.argv.slice(2),
): Promise<void> {
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted) process.exit(1);
      stop.abort(new Error(`stopped by ${signal}`));
    });
  }
  try {
    const parsed = parseFlags({ ...specs, ...helpFlag }, words);
    if (parsed.flags.help) {
      process.stdout.write(`${name}: ${about}\n\nFlags:\n${describeFlags(specs)}\n`);
      return;
    }
    await run(parsed as unknown as Parsed<S>, stop.signal);
  } catch (error) {
    if (stop.signal.aborted && error === stop.signal.reason) return;
    process.stderr.write(`${name}: ${chainOf(error)}\n`);
    if (error instanceof UsageError) process.stderr.write(`See '${name} --help'.\n`);
    process.exitCode = error instanceof UsageError ? 2 : 1;
    // Whatever else still runs has lost its purpose.
    if (!stop.signal.aborted) stop.abort(error);
  }
}
