import { jsonLines } from "../../client/json-lines.ts";
import { errorOfEvent } from "../../client/status-response.ts";
import type { Kubectl } from "../command.ts";
import { queryOf, type Asked } from "./fetch.ts";
import type { GetFlags } from "./get-flags.ts";

export interface WatchEvent {
  readonly type: string;
  readonly object: unknown;
}

/** Changes of what is asked, until the server or the user ends it. Throws what the server says. */
export async function* watchAsked(
  kubectl: Kubectl,
  { target, path }: Asked,
  given: GetFlags,
  from: { readonly resourceVersion: string | undefined; readonly accept: string },
): AsyncGenerator<WatchEvent> {
  const one = target.name === undefined ? {} : { fieldSelector: `metadata.name=${target.name}` };
  const collection = target.name === undefined ? path : path.slice(0, path.lastIndexOf("/"));
  const since = from.resourceVersion === undefined ? {} : { resourceVersion: from.resourceVersion };
  const query = queryOf(given, target, { watch: "true", ...one, ...since });
  const { accept } = from;
  const stream = await kubectl.api.stream({ method: "GET", path: collection + query, accept });
  for await (const event of jsonLines(stream)) {
    const { type, object } = event as WatchEvent;
    if (type === "ERROR") throw errorOfEvent(object);
    if (type !== "BOOKMARK") yield { type, object };
  }
}
