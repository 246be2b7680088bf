import type { Clock } from "../base/clock.ts";
import { chainOf } from "../base/errors.ts";

export interface Wait {
  /** "the API server at https://10.0.0.1:6443" */
  readonly what: string;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Hears what is being waited for, and why it is not there yet. */
  readonly say: (line: string) => void;
  /** What to look at when it does not come. */
  readonly remedy: string;
}

/** A question costs about a millisecond; what is waited for comes once in a machine's life. */
const pollMs = 50;
const tellEveryMs = 10_000;

/** Asks until `look` answers; a throw means "not yet", and its message says why. */
export async function waitFor<T>(
  wait: Wait,
  look: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const { clock } = wait;
  const start = clock.monotonic();
  let told = start;
  for (;;) {
    try {
      return await look();
    } catch (cause) {
      const now = clock.monotonic();
      signal.throwIfAborted();
      if (now - start > wait.timeoutMs) {
        const seconds = Math.round(wait.timeoutMs / 1000);
        throw new Error(`waited ${seconds} s for ${wait.what}; ${wait.remedy}`, { cause });
      }
      if (now - told > tellEveryMs) {
        told = now;
        wait.say(`  still waiting for ${wait.what}: ${chainOf(cause)}`);
      }
    }
    await clock.sleep(pollMs, signal);
  }
}

/** Runs work that is given up after a time: its signal aborts then, and nobody waits for it. */
export async function within<T>(
  { ms, clock }: { readonly ms: number; readonly clock: Clock },
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  using _timer = clock.after(ms, () =>
    late.abort(Object.assign(new Error(`no answer within ${ms / 1000} s`), { code: "ETIMEDOUT" })),
  );
  const inner = AbortSignal.any([signal, late.signal]);
  const given = Promise.withResolvers<never>();
  inner.addEventListener("abort", () => given.reject(inner.reason), { once: true });
  return await Promise.race([work(inner), given.promise]);
}
