import type { Clock } from "./clock.ts";

/** Disposing it lets go of the clock and of the signal that it follows. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** A signal that aborts with the given one, or after so many milliseconds with an Error. */
export function deadline(clock: Clock, ms: number, signal: AbortSignal): Deadline {
  const own = new AbortController();
  const follow = (): void => own.abort(signal.reason);
  signal.addEventListener("abort", follow, { once: true });
  if (signal.aborted) follow();
  const overdue = clock.after(ms, () => own.abort(new Error(`no answer within ${ms} ms`)));
  return {
    signal: own.signal,
    [Symbol.dispose]: () => {
      overdue[Symbol.dispose]();
      signal.removeEventListener("abort", follow);
    },
  };
}
