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

export function eventOf({ type = EventType.PUT, kv = {} }: Event): StorageEvent {
  const { key, value, revision } = itemOf(kv);
  if (type === EventType.DELETE) return { type: "delete", key, revision };
  return { type: "put", key, value, revision, created: kv.createRevision === kv.modRevision };
}
