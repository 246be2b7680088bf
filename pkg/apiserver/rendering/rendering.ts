/** How answers about one kind are written: one value for each encoding that clients accept. */
import type { WireBody } from "../../base/wire.ts";
import { toStatus } from "../../machinery/status.ts";
import type { StatusError } from "../../machinery/status-error.ts";
import type { Entry } from "../cache/entry.ts";
import type { WatchRendering } from "../cache/watch-group.ts";

export interface ListPage {
  readonly entries: readonly Entry[];
  readonly revision: number;
  /** "" on the last page. */
  readonly continueFrom: string;
  /** Undefined where it is not known: filtered lists. */
  readonly remaining: number | undefined;
}

export interface Rendering extends WatchRendering {
  readonly contentType: string;
  readonly watchContentType: string;
  object(entry: Entry): WireBody;
  list(page: ListPage): WireBody;
  /** The ERROR event that ends a watch. */
  readonly failure: (error: StatusError) => Uint8Array;
}

export const jsonFailure = (error: StatusError): Uint8Array =>
  Buffer.from(`${JSON.stringify({ type: "ERROR", object: toStatus(error) })}\n`);

/** The `metadata` of a list, as JSON text. */
export function listMetaText({ revision, continueFrom, remaining }: ListPage): string {
  return JSON.stringify({
    resourceVersion: String(revision),
    ...(continueFrom === "" ? {} : { continue: continueFrom }),
    ...(remaining === undefined || remaining === 0 ? {} : { remainingItemCount: remaining }),
  });
}
