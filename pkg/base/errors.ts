/**
 * One line, outermost first: "start container web: phase pivot-root: umount .: EINVAL".
 * Every layer adds what it was doing and on what; no message repeats its cause.
 */
export const chainOf = (error: unknown): string =>
  error instanceof Error
    ? [error.message, ...(error.cause === undefined ? [] : [chainOf(error.cause)])].join(": ")
    : String(error);

/** Fails to compile where a switch over a closed union forgot a case, and throws at run time. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}

/** A programmer's error ends the process: the state is not what the code was written for. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}
