/** JSON from ready bytes: a list is a concatenation, an event a prefix and a suffix. */
import { apiVersionOf } from "../../../api/resource.ts";
import type { WireBody } from "../../base/wire.ts";
import type { Entry } from "../cache/entry.ts";
import type { EntryCodec } from "../cache/entry-codec.ts";
import type { ChangeType } from "../cache/event-ring.ts";
import { limits } from "../limits.ts";
import { jsonFailure, type ListPage, listMetaText, type Rendering } from "./rendering.ts";

const openBrace = 0x7b;
const comma = 0x2c;
const listEnd = Buffer.from("]}\n");
const eventEnd = Buffer.from("}\n");
const eventStart: Readonly<Record<ChangeType, Buffer>> = {
  ADDED: Buffer.from('{"type":"ADDED","object":'),
  MODIFIED: Buffer.from('{"type":"MODIFIED","object":'),
  DELETED: Buffer.from('{"type":"DELETED","object":'),
};

export const initialEventsEnd = "k8s.io/initial-events-end";

/** Pieces of about `listChunkBytes`, so that a large list is never in memory twice. */
async function* listChunks(
  start: Buffer,
  entries: readonly Entry[],
  itemAt: number,
): AsyncGenerator<Uint8Array> {
  let from = 0;
  let head = start;
  do {
    const [chunk, next] = listChunk(head, entries, from, itemAt);
    yield chunk;
    from = next;
    head = nothing;
  } while (from < entries.length);
}
const nothing = Buffer.alloc(0);

function listChunk(
  head: Buffer,
  entries: readonly Entry[],
  from: number,
  itemAt: number,
): readonly [Buffer, number] {
  let bytes = head.length;
  let next = from;
  while (next < entries.length && bytes < limits.listChunkBytes) {
    bytes += (entries[next]?.json.length ?? 0) - itemAt + 2;
    next++;
  }
  const isLast = next === entries.length;
  const chunk = Buffer.allocUnsafeSlow(bytes + listEnd.length);
  let at = head.copy(chunk);
  for (let index = from; index < next; index++) {
    if (index > 0) chunk[at++] = comma;
    chunk[at++] = openBrace;
    at += entries[index]?.json.copy(chunk, at, itemAt) ?? 0;
  }
  if (isLast) at += listEnd.copy(chunk, at);
  return [chunk.subarray(0, at), next];
}

/** `{"kind":"PodList",…,"items":[…]}` out of entries whose items begin at `itemAt`. */
export function jsonList(
  kind: string,
  apiVersion: string,
  page: ListPage,
  itemAt: number,
): WireBody {
  const type = `{"kind":"${kind}List","apiVersion":"${apiVersion}"`;
  const start = Buffer.from(`${type},"metadata":${listMetaText(page)},"items":[`);
  const [chunk, next] = listChunk(start, page.entries, 0, itemAt);
  if (next === page.entries.length) return chunk;
  return listChunks(start, page.entries, itemAt);
}

export const jsonFrame = (type: ChangeType, json: Uint8Array): Buffer =>
  Buffer.concat([eventStart[type], json, eventEnd]);

export function jsonRendering(codec: EntryCodec): Rendering {
  const { kind } = codec.resource.ref;
  const apiVersion = apiVersionOf(codec.resource.ref);
  return {
    id: "json",
    contentType: "application/json",
    watchContentType: "application/json",
    object: (entry) => entry.json,
    list: (page) => jsonList(kind, apiVersion, page, codec.layout.itemAt),
    frame: (type, entry) => jsonFrame(type, entry.json),
    failure: jsonFailure,
    bookmark: (revision, isInitialEnd) =>
      Buffer.from(
        `${JSON.stringify({
          type: "BOOKMARK",
          object: bookmarkObject(kind, apiVersion, revision, isInitialEnd),
        })}\n`,
      ),
  };
}

/** An object of the kind that says nothing but how far the watch has seen. */
export const bookmarkObject = (
  kind: string,
  apiVersion: string,
  revision: number,
  isInitialEnd: boolean,
) => ({
  kind,
  apiVersion,
  metadata: {
    resourceVersion: String(revision),
    ...(isInitialEnd ? { annotations: { [initialEventsEnd]: "true" } } : {}),
  },
});
