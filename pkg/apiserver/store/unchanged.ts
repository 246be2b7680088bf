/** A write that changes nothing is not a write: no revision, no event, no wake-up of anybody. */
import type { KubeObject } from "../../../api/resource.ts";
import { isEqual } from "../../machinery/equality.ts";
import type { Entry, Layout } from "../cache/entry.ts";
import type { Prepared } from "../cache/entry-codec.ts";

interface Decoder {
  readonly codec: { readonly layout: Layout };
  objectOf(entry: Entry): KubeObject;
}

export function isUnchanged(prepared: Prepared, entry: Entry, decoder: Decoder): boolean {
  const { head } = decoder.codec.layout;
  const spliced = `"resourceVersion":"${entry.revision}",`.length;
  if (entry.json.length - spliced !== prepared.value.length) return false;
  const start = head.length + spliced;
  if (entry.json.compare(prepared.value, head.length, prepared.value.length, start) === 0) {
    return true;
  }
  return isEqualBeside(prepared.object, decoder.objectOf(entry));
}

/** Equal as objects in all but resourceVersion: the same fields may stand in another order. */
function isEqualBeside(a: KubeObject, b: KubeObject): boolean {
  const { metadata: metaA = {}, kind: _k, apiVersion: _v, ...restA } = a;
  const { metadata: metaB = {}, kind: _kb, apiVersion: _vb, ...restB } = b;
  const { resourceVersion: _a, ...ownA } = metaA;
  const { resourceVersion: _b, ...ownB } = metaB;
  return isEqual(ownA, ownB) && isEqual(restA, restB);
}
