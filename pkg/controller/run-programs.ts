import type { ControllerDoors, Program } from "./controller.ts";

/** Two programs that write the same thing would undo each other's work for ever. */
export function assertClaimsAreSingle(programs: readonly Program[]): void {
  const owners = new Map<string, string>();
  for (const { name, writes } of programs)
    for (const claim of writes) {
      const other = owners.get(claim);
      if (other !== undefined)
        throw new Error(`controllers ${other} and ${name} both claim to write ${claim}`);
      owners.set(claim, name);
    }
}

/**
 * Runs all of them, each with the doors of its account, until the signal aborts. Rejects when one
 * of them cannot go on; the others are stopped then.
 */
export async function runPrograms(
  programs: readonly Program[],
  doorsOf: (program: Program) => ControllerDoors,
  signal: AbortSignal,
): Promise<void> {
  assertClaimsAreSingle(programs);
  const own = new AbortController();
  const stop = (): void => own.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const run = async (program: Program): Promise<void> => {
    const doors = doorsOf(program);
    const logger = doors.logger.child({ controller: program.name });
    try {
      await program.run({ ...doors, logger }, own.signal);
    } catch (cause) {
      if (signal.aborted) return;
      own.abort(cause);
      throw new Error(`controller ${program.name} ended`, { cause });
    }
  };
  try {
    await Promise.all(programs.map(run));
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
