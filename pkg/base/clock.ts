/**
 * The door to time. Everything that waits or reads the time takes a Clock, so that tests and the
 * simulator own it; `system-clock.ts` is the only file that touches the real one.
 */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. */
  now(): number;
  /** Monotonic milliseconds, with fractions, for measuring; unrelated to the epoch. */
  monotonic(): number;
  /** Resolves after `ms`; rejects with the signal's reason when it aborts first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms` unless disposed before. Does not keep a process alive. */
  after(ms: number, callback: () => void): Disposable;
}

/** RFC 3339 with seconds, as `metav1.Time` is written: 2026-01-02T03:04:05Z. */
export function rfc3339(ms: number): string {
  const second = Math.floor(ms / 1000);
  if (second !== lastSecond) {
    lastText = `${new Date(ms).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastText;
}
/** Most of what is written within a second bears the same time. */
let lastSecond = Number.NaN;
let lastText = "";

/** RFC 3339 with microseconds, as `metav1.MicroTime` is written: 2026-01-02T03:04:05.000000Z. */
export const rfc3339Micro = (ms: number): string =>
  `${new Date(ms).toISOString().slice(0, 23)}000Z`;
