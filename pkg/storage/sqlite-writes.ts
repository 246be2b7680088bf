import type { StorageEvent, Versioned } from "./storage.ts";
import { conflictError } from "./storage-errors.ts";

export interface Write {
  readonly key: string;
  /** Undefined: delete. */
  readonly value: Uint8Array | undefined;
  /** Revision that the key must be at; 0: it must not exist. */
  readonly expected: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | null;
}

/** revision, key, previous, deleted, value: a row of `entries`. */
type Entry = readonly [number, string, number, 0 | 1, Uint8Array | null];

export type WritePlan =
  | { readonly failed: unknown }
  | { readonly entry: Entry; readonly event: StorageEvent };

/** What a write does to the key that is as `current` says, at the next revision. Pure. */
export function planWrite(
  { key, value, expected }: Write,
  current: Versioned | undefined,
  revision: number,
): WritePlan {
  const at = current?.revision ?? 0;
  if (at !== expected) return { failed: conflictError(key, expected, current) };
  if (value !== undefined) {
    const event = { type: "put", key, value, revision } as const;
    const entry: Entry = [revision, key, at, 0, value];
    return { entry, event: { ...event, created: current === undefined } };
  }
  if (current === undefined) return { failed: conflictError(key, expected, current) };
  return {
    entry: [revision, key, at, 1, null],
    event: { type: "delete", key, revision },
  };
}
