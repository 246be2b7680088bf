import { StorageError, type Versioned } from "./storage.ts";

/** etcd refuses a request of more; the other two keep the same limit, so that a store can move. */
export const valueBytesMax = 1.5 * 1024 * 1024;

export function checkSize(key: string, value: Uint8Array): void {
  if (value.byteLength <= valueBytesMax) return;
  const sizes = `${value.byteLength} bytes, the limit is ${valueBytesMax}`;
  throw new StorageError("TooLarge", `write ${key}: the value has ${sizes}`);
}

export function conflictError(
  key: string,
  expected: number,
  current: Versioned | undefined,
): StorageError {
  const found = current === undefined ? "it is absent" : `it is at ${current.revision}`;
  const message = `${key} is not at revision ${expected}: ${found}`;
  return new StorageError("Conflict", message, current === undefined ? {} : { current });
}

export const compactedError = (revision: number, compacted: number): StorageError =>
  new StorageError("Compacted", `revision ${revision} is older than compaction at ${compacted}`);

export const futureError = (revision: number, newest: number): StorageError =>
  new StorageError("Unavailable", `revision ${revision} is not here yet, the newest is ${newest}`);
