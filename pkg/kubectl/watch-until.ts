import type { KubeObject } from "../../api/resource.ts";
import { jsonLines } from "../client/json-lines.ts";
import { isReason } from "../machinery/status-error.ts";
import type { Kubectl } from "./command.ts";
import type { ObjectTarget } from "./object-args.ts";
import { pathOf } from "./resource-mapper.ts";

export interface Seen<T> {
  /** Undefined: it is not there. */
  readonly object: T | undefined;
  /** It was so when it was first looked at. */
  readonly isFirst: boolean;
}

/**
 * Looks at an object, then at each of its changes, until one is as wanted. An object that is not
 * there is an error, unless its absence is what is wanted.
 */
export async function watchUntil<T extends KubeObject>(
  { api }: Kubectl,
  target: Pick<ObjectTarget, "resource" | "namespace" | "name" | "path">,
  isMet: (object: T | undefined) => boolean,
  signal: AbortSignal,
): Promise<Seen<T>> {
  const collection = pathOf(target.resource, { namespace: target.namespace });
  for (let isFirst = true; ;) {
    signal.throwIfAborted();
    const object = await api
      .send<T>({ method: "GET", path: target.path }, signal)
      .catch((error: unknown) => {
        if (isReason(error, "NotFound") && isMet(undefined)) return undefined;
        throw error;
      });
    if (isMet(object)) return { object, isFirst };
    isFirst = false;
    const query = new URLSearchParams({
      watch: "true",
      fieldSelector: `metadata.name=${target.name}`,
      resourceVersion: object?.metadata?.resourceVersion ?? "",
    });
    const path = `${collection}?${query}`;
    for await (const event of jsonLines(await api.stream({ method: "GET", path }, signal))) {
      const { type, object: now } = event as { type: string; object: T };
      if (type === "ERROR") break;
      const seen = type === "DELETED" ? undefined : now;
      if (isMet(seen)) return { object: seen, isFirst };
    }
  }
}
