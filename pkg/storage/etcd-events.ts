/** etcd's messages as this contract's values, and back. Pure. */
import { type Event, EventType, type KeyValue } from "../../api/etcd/v3.ts";
import { prefixEnd } from "./key-range.ts";
import type { StorageEvent, Versioned } from "./storage.ts";

/** etcd's own sign for "to the end of all keys" is a single zero byte. */
export const rangeEnd = (prefix: string): string => (prefix === "" ? "\0" : prefixEnd(prefix));

export const itemOf = ({ key, value, modRevision }: KeyValue): Versioned => ({
  key: key ?? "",
  value: value ?? new Uint8Array(),
  revision: modRevision ?? 0,
});

/** Undefined where etcd has compacted what was there before: the event cannot be told in full. */
export function eventOf({
  type = EventType.PUT,
  kv = {},
  prevKv,
}: Event): StorageEvent | undefined {
  const { key, value, revision } = itemOf(kv);
  const previous = prevKv === undefined ? undefined : itemOf(prevKv);
  if (type === EventType.PUT && kv.createRevision === kv.modRevision)
    return { type: "put", key, value, revision, created: true };
  if (previous === undefined) return undefined;
  if (type === EventType.DELETE) return { type: "delete", key, revision, previous };
  return { type: "put", key, value, revision, created: false, previous };
}
