import { jsonLines } from "../client/json-lines.ts";
import type { Kubectl } from "./command.ts";
import type { ObjectTarget } from "./object-args.ts";
import { pathOf } from "./resource-mapper.ts";

/** Waits until the object that was deleted is gone: another one of its name may come at once. */
export async function waitGone(
  kubectl: Kubectl,
  target: ObjectTarget,
  uid: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const collection = pathOf(target.resource, { namespace: target.namespace });
  const query = new URLSearchParams({ fieldSelector: `metadata.name=${target.name}` });
  const list = await kubectl.api.send<{
    readonly metadata?: { readonly resourceVersion?: string };
    readonly items?: readonly { readonly metadata?: { readonly uid?: string } }[];
  }>({ method: "GET", path: `${collection}?${query}` }, signal);
  if (!(list.items ?? []).some((item) => uid === undefined || item.metadata?.uid === uid)) return;
  query.set("watch", "true");
  query.set("resourceVersion", list.metadata?.resourceVersion ?? "");
  const stream = await kubectl.api.stream(
    { method: "GET", path: `${collection}?${query}` },
    signal,
  );
  for await (const event of jsonLines(stream)) {
    if ((event as { type?: string }).type === "DELETED") return;
  }
  // The server ended the watch before the object: look again.
  signal.throwIfAborted();
  return waitGone(kubectl, target, uid, signal);
}
